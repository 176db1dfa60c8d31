import { useId, type ReactNode } from "react";

interface SectionProps {
  title: string;
  extra?: ReactNode;
  children: ReactNode;
}

/** A card of a page. */
export function Section({ title, extra, children }: SectionProps) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        <span className="grow" />
        {extra}
      </div>
      {children}
    </section>
  );
}
