export default function InstancesPage() { return null; }
