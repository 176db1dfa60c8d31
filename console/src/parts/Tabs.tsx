/** Pages of one thing beside each other; each has its own address. */
import { Link, useLocation } from "wouter";

export function Tabs({ label, tabs }: { label: string; tabs: [string, string][] }) {
  const [location] = useLocation();
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map(([title, address]) => (
        <Link key={address} href={address} aria-current={location === address ? "page" : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
