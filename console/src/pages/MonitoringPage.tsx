export default function MonitoringPage() { return null; }
