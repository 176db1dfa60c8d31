import type { ReactNode } from "react";

/** What stands before the pages: one small card. */
export function Gate({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="gate">
      <section className="card">
        <div className="brand">
          <img src="/tern.svg" alt="" width={32} height={32} />
          <span>Sterna</span>
          <small>One-click MySQL upgrade, with a way back</small>
        </div>
        <h1>{title}</h1>
        {children}
      </section>
    </main>
  );
}
