/** The frame of all pages: header, navigation, banner, and the page itself. */
import { Suspense, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { useLive } from "../api/live";
import { ErrorBoundary } from "../parts/ErrorBoundary";
import { Loading, NotFound } from "../parts/States";
import { ROUTES } from "../routes";
import { Banner } from "./Banner";
import { Header } from "./Header";
import { Navigation } from "./Navigation";

export function Frame() {
  useLive();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  return (
    <div className="frame">
      <a className="skip" href="#page">
        Skip to the page
      </a>
      <Header open={open} onMenu={() => setOpen(!open)} />
      <Navigation open={open} onChoice={() => setOpen(false)} />
      <main id="page" className="page" tabIndex={-1}>
        <Banner />
        <ErrorBoundary key={location}>
          <Suspense fallback={<Loading what="the page" />}>
            <Switch>
              {ROUTES.map(([path, Page]) => (
                <Route key={path} path={path}>
                  <Page />
                </Route>
              ))}
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}
