export default function TaskObjectsPage() { return null; }
