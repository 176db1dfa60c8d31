export default function TaskLogsPage() { return null; }
