export default function ClustersPage() { return null; }
