export default function EvaluationsPage() { return null; }
