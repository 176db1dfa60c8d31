/** The menu at the left; on a phone it opens over the page. */
import AuditOutlined from "@ant-design/icons/es/icons/AuditOutlined";
import BarChartOutlined from "@ant-design/icons/es/icons/BarChartOutlined";
import ClusterOutlined from "@ant-design/icons/es/icons/ClusterOutlined";
import DashboardOutlined from "@ant-design/icons/es/icons/DashboardOutlined";
import DatabaseOutlined from "@ant-design/icons/es/icons/DatabaseOutlined";
import FileSearchOutlined from "@ant-design/icons/es/icons/FileSearchOutlined";
import ScheduleOutlined from "@ant-design/icons/es/icons/ScheduleOutlined";
import SettingOutlined from "@ant-design/icons/es/icons/SettingOutlined";
import SwapOutlined from "@ant-design/icons/es/icons/SwapOutlined";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";

const ITEMS: [string, string, ReactNode][] = [
  ["/", "Overview", <DashboardOutlined />],
  ["/instances", "Instances", <DatabaseOutlined />],
  ["/clusters", "Clusters", <ClusterOutlined />],
  ["/tasks", "Sync tasks", <SwapOutlined />],
  ["/evaluations", "Migration evaluation", <FileSearchOutlined />],
  ["/schedules", "Schedules", <ScheduleOutlined />],
  ["/usage", "Usage", <BarChartOutlined />],
  ["/audit", "Audit log", <AuditOutlined />],
  ["/settings", "Settings", <SettingOutlined />],
];

interface NavigationProps {
  open: boolean;
  onChoice: () => void;
}

export function Navigation({ open, onChoice }: NavigationProps) {
  const [location] = useLocation();
  return (
    <nav className={open ? "navigation open" : "navigation"} aria-label="Sterna">
      <div>
      {ITEMS.map(([path, title, icon]) => (
        <Link
          key={path}
          href={path}
          onClick={onChoice}
          aria-current={isWithin(location, path) ? "page" : undefined}
        >
          <span aria-hidden="true">{icon}</span>
          {title}
        </Link>
      ))}
      </div>
    </nav>
  );
}

function isWithin(location: string, path: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}
