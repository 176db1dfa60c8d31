/** Where one is, the page's title, and what can be done here. */
import { Fragment, useEffect, type ReactNode } from "react";
import { Link } from "wouter";

interface PageHeadProps {
  title: string;
  above?: [string, string][];
  badge?: ReactNode;
  actions?: ReactNode;
}

/** `above`: (title, address) of the pages this one lies below. */
export function PageHead({ title, above = [], badge, actions }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} – Sterna`;
  }, [title]);
  return (
    <div className="page-head">
      <nav className="crumbs" aria-label="Breadcrumbs">
        {above.map(([name, address]) => (
          <Fragment key={address}>
            <Link href={address}>{name}</Link> <span aria-hidden="true">/</span>{" "}
          </Fragment>
        ))}
        <span aria-current="page">{title}</span>
      </nav>
      <div className="title-row">
        <h1>{title}</h1>
        {badge}
        <span className="grow" />
        <div className="actions">{actions}</div>
      </div>
    </div>
  );
}
