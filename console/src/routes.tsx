/** Which page is where. Each is loaded when it is first looked at. */
import { lazy, type ComponentType } from "react";
import { connectionBack } from "./api/connection";

type Load = () => Promise<{ default: ComponentType }>;

/** A page that cannot be fetched just now comes when the server is back. */
const page = (load: Load) => lazy(() => load().catch(() => connectionBack().then(load)));

export const ROUTES: [string, ComponentType][] = [
  ["/", page(() => import("./pages/OverviewPage"))],
  ["/instances", page(() => import("./pages/InstancesPage"))],
  ["/instances/:id", page(() => import("./pages/InstancePage"))],
  ["/instances/:id/endpoints", page(() => import("./pages/InstanceEndpointsPage"))],
  ["/clusters", page(() => import("./pages/ClustersPage"))],
  ["/clusters/new", page(() => import("./pages/CreateClusterPage"))],
  ["/clusters/:id", page(() => import("./pages/ClusterPage"))],
  ["/clusters/:id/timeline", page(() => import("./pages/TimelinePage"))],
  ["/clusters/:id/nodes", page(() => import("./pages/NodesPage"))],
  ["/clusters/:id/nodes/:node/logs", page(() => import("./pages/NodeLogsPage"))],
  ["/clusters/:id/endpoints", page(() => import("./pages/ClusterEndpointsPage"))],
  ["/clusters/:id/inherited", page(() => import("./pages/InheritedPage"))],
  ["/clusters/:id/verification", page(() => import("./pages/VerificationPage"))],
  ["/clusters/:id/parameters", page(() => import("./pages/ParametersPage"))],
  ["/tasks", page(() => import("./pages/TasksPage"))],
  ["/tasks/:id", page(() => import("./pages/TaskPage"))],
  ["/tasks/:id/monitoring", page(() => import("./pages/MonitoringPage"))],
  ["/tasks/:id/logs", page(() => import("./pages/TaskLogsPage"))],
  ["/tasks/:id/objects", page(() => import("./pages/TaskObjectsPage"))],
  ["/evaluations", page(() => import("./pages/EvaluationsPage"))],
  ["/evaluations/:instance/:id", page(() => import("./pages/EvaluationPage"))],
  ["/schedules", page(() => import("./pages/SchedulesPage"))],
  ["/usage", page(() => import("./pages/UsagePage"))],
  ["/audit", page(() => import("./pages/AuditPage"))],
  ["/settings", page(() => import("./pages/SettingsPage"))],
  ["/account", page(() => import("./pages/AccountPage"))],
];
