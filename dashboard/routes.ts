import type { ComponentType } from "preact";

import { Agreement } from "./pages/agreement.tsx";
import { Agreements } from "./pages/agreements.tsx";
import { Channel } from "./pages/channel.tsx";
import { Channels } from "./pages/channels.tsx";
import { Market } from "./pages/market.tsx";
import { GridNode } from "./pages/node.tsx";
import { Nodes } from "./pages/nodes.tsx";
import { Program } from "./pages/program.tsx";
import { Programs } from "./pages/programs.tsx";
import { Payments } from "./pages/payments.tsx";
import { Worker } from "./pages/worker.tsx";

/** What a page is told: the parts of its path that its pattern names. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

export interface Route {
  /** A path; `:name` stands for any part. */
  readonly pattern: string;
  readonly title: (params: PageProps["params"]) => string;
  readonly Page: ComponentType<PageProps>;
}

/** Every page, the first that matches. */
export const ROUTES: readonly Route[] = [
  { pattern: "/", title: () => "Market", Page: Market },
  { pattern: "/workers/:id", title: ({ id }) => `Worker ${id}`, Page: Worker },
  { pattern: "/agreements", title: () => "Agreements", Page: Agreements },
  { pattern: "/agreements/:id", title: ({ id }) => `Agreement ${id}`, Page: Agreement },
  { pattern: "/programs", title: () => "Programs", Page: Programs },
  { pattern: "/programs/:id", title: ({ id = "" }) => `Program ${id.slice(0, 8)}…`, Page: Program },
  { pattern: "/nodes", title: () => "Grid", Page: Nodes },
  { pattern: "/nodes/:id", title: ({ id }) => `Node ${id}`, Page: GridNode },
  { pattern: "/channels", title: () => "Channels", Page: Channels },
  { pattern: "/channels/:id", title: ({ id }) => `Channel ${id}`, Page: Channel },
  { pattern: "/payments", title: () => "Payments", Page: Payments },
  { pattern: "/payments/:account", title: () => "Payments", Page: Payments },
];

const below = (...prefixes: readonly string[]): ((path: string) => boolean) => {
  return (path) => prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
};

/** What the bar at the top leads to. */
export const NAVIGATION: ReadonlyArray<{
  readonly href: string;
  readonly label: string;
  readonly isHere: (path: string) => boolean;
}> = [
  { href: "/", label: "Market", isHere: (path) => path === "/" || path.startsWith("/workers/") },
  { href: "/agreements", label: "Agreements", isHere: below("/agreements") },
  { href: "/programs", label: "Programs", isHere: below("/programs") },
  { href: "/nodes", label: "Grid", isHere: below("/nodes") },
  { href: "/channels", label: "Channels", isHere: below("/channels") },
  { href: "/payments", label: "Payments", isHere: below("/payments") },
];
