/** Light and dark: the system's choice until the viewer makes another one. */
import type { ThemeConfig } from "antd/es/config-provider";
import antd from "antd/es/theme";
import { useSyncExternalStore } from "react";

export type Scheme = "light" | "dark";

const KEPT_AS = "sterna-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function current(): Scheme {
  const kept = window.localStorage.getItem(KEPT_AS);
  if (kept === "light" || kept === "dark") return kept;
  return system.matches ? "dark" : "light";
}

function tell(): void {
  document.documentElement.dataset["theme"] = current();
  for (const listener of listeners) listener();
}

system.addEventListener("change", tell);
tell();

/** The scheme in use. */
export function useScheme(): Scheme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
}

/** Use this scheme from now on, in this browser. */
export function chooseScheme(scheme: Scheme): void {
  window.localStorage.setItem(KEPT_AS, scheme);
  tell();
}

const SHARED = {
  // Ant Design waits for the ends of its own animations, so it must know that there are none.
  motion: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
  borderRadius: 4,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
};

/** Under the pointer, too, text has its contrast: primary buttons get darker, not lighter. */
const LIGHT = {
  ...SHARED,
  colorPrimary: "#0f62c9",
  colorPrimaryHover: "#0b52a8",
  colorLink: "#0f62c9",
  colorTextDescription: "#5a6473",
  colorTextPlaceholder: "#6b7585",
  colorTextDisabled: "#6b7585",
  colorError: "#c9252d",
  colorErrorHover: "#a81b23",
};

const DARK = {
  ...SHARED,
  colorBgBase: "#10141a",
  colorBgContainer: "#171c24",
  colorBgElevated: "#1e242e",
  colorPrimary: "#1f6fe5",
  colorPrimaryHover: "#1b5cb8",
  colorLink: "#6aaaff",
  colorTextDescription: "#a3abb8",
  colorTextPlaceholder: "#8b94a3",
  colorTextDisabled: "#8b94a3",
  colorError: "#ff8585",
  colorErrorHover: "#ffa8a8",
};

/** A red and a blue that can be read on dark are too light for white text on them. */
const DARK_BUTTON = { dangerColor: "#10141a", defaultHoverColor: "#6aaaff", defaultHoverBorderColor: "#6aaaff" };

/** Colours and sizes for Ant Design; chosen so that text has a contrast of 4.5 and more. */
export function antdTheme(scheme: Scheme): ThemeConfig {
  const dark = scheme === "dark";
  return {
    algorithm: dark ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: dark ? DARK : LIGHT,
    components: { Button: dark ? DARK_BUTTON : {} },
  };
}
