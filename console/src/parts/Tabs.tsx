/** Pages of one thing beside each other; each has its own address. */
import { useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";

export function Tabs({ label, tabs }: { label: string; tabs: [string, string][] }) {
  const [location] = useLocation();
  const place = useRef<HTMLElement>(null);
  // On a phone they do not all fit: the one that is looked at does.
  useEffect(() => {
    const nav = place.current;
    const tab = nav?.querySelector<HTMLElement>("[aria-current]");
    if (nav && tab) nav.scrollLeft = tab.offsetLeft - nav.offsetLeft - (nav.clientWidth - tab.clientWidth) / 2;
  }, [location]);
  return (
    <nav className="tabs" aria-label={label} ref={place}>
      {tabs.map(([title, address]) => (
        <Link key={address} href={address} aria-current={location === address ? "page" : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
