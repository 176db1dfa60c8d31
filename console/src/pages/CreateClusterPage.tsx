export default function CreateClusterPage() { return null; }
