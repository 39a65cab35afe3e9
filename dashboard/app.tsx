import { useEffect } from "preact/hooks";

import { connection, useTopic } from "./live.ts";
import { match } from "./match.ts";
import { path } from "./router.ts";
import { NAVIGATION, ROUTES } from "./routes.ts";
import { grouped } from "./format.ts";
import { NotFound } from "./pages/not-found.tsx";
import { WalletButton } from "./ui/wallet-button.tsx";

/** The whole page: what is always there, and the page that the address names. */
export function App() {
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <a class="mark" href="/">
          <Mark />
          SPRF
        </a>
        <nav aria-label="Main">
          <ul>
            {NAVIGATION.map(({ href, label, isHere }) => (
              <li key={href}>
                <a href={href} aria-current={isHere(path.value) ? "page" : undefined}>
                  {label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="bar-end">
          <Head />
          <WalletButton />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

function Outlet() {
  for (const { pattern, title, Page } of ROUTES) {
    const params = match(pattern, path.value);
    if (params === undefined) continue;
    return <Titled key={path.value} title={title(params)} Page={Page} params={params} />;
  }
  return <Titled title="Not found" Page={NotFound} params={{}} />;
}

function Titled({ title, Page, params }: Pick<(typeof ROUTES)[number], "Page"> & PageInit) {
  useEffect(() => {
    document.title = `${title} · SPRF`;
  }, [title]);
  return <Page params={params} />;
}

interface PageInit {
  readonly title: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The latest block, and whether what is shown is up to date. */
function Head() {
  const { view } = useTopic("status").value;
  const state = connection.value === "live" && view?.isChainAway === true ? "away" : connection.value;
  const block = view === undefined ? "connecting" : `block ${grouped(view.block)}`;
  const text = state === "lost" ? "reconnecting" : state === "away" ? "chain away" : block;
  return (
    <span
      class={`head head-${state}`}
      title={view === undefined ? undefined : `chain ${view.chainId}, block ${view.block}`}
    >
      <span class="dot" aria-hidden="true" />
      <span class="number">{text}</span>
      {/* Blocks come each second or so: who listens hears of the connection alone. */}
      <span class="quiet" role="status">
        {SPOKEN[state]}
      </span>
    </span>
  );
}

const SPOKEN = {
  connecting: "",
  live: "live",
  lost: "connection lost, reconnecting",
  away: "the chain does not answer; this is what it said last",
} as const;

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M9 21.5c2 1.6 4.3 2.3 7 2.3 4.1 0 6.8-1.9 6.8-4.9 0-6.3-10.2-3.4-10.2-7 0-1.5 1.5-2.5 3.8-2.5 1.9 0 3.6.5 5.2 1.6"
        fill="none"
        stroke="var(--on-accent)"
        stroke-width="2.8"
        stroke-linecap="round"
      />
    </svg>
  );
}
