import { computed, signal } from "@preact/signals";

/** The part of the address that names a page, and its query. */
const address = signal({ path: "/", query: "" });

/** The page's path, with the slash in front. */
export const path = computed(() => address.value.path);

/** The page's query. */
export const query = computed(() => new URLSearchParams(address.value.query));

/** A page that was loaded by the browser has the focus where the browser puts it. */
let hasNavigated = false;

const positions = new Map<string, number>();

function read(): void {
  const { pathname, search } = window.location;
  address.value = { path: pathname, query: search };
}

const keyOf = (state: unknown): string =>
  typeof state === "object" && state !== null && "key" in state ? String(state.key) : "first";

/** Follows links within the app and the browser's own back and forward. */
export function startRouter(): void {
  history.scrollRestoration = "manual";
  read();
  window.addEventListener("popstate", (event) => {
    read();
    // The page of before has its height again once it is drawn.
    requestAnimationFrame(() => window.scrollTo(0, positions.get(keyOf(event.state)) ?? 0));
  });
  window.addEventListener("scroll", () => positions.set(keyOf(history.state), window.scrollY), { passive: true });
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!isPlain || event.defaultPrevented || link === null || link.target !== "") return;
    const url = new URL(link.href, window.location.href);
    if (url.origin !== window.location.origin || (url.hash !== "" && url.pathname === window.location.pathname)) return;
    event.preventDefault();
    navigate(`${url.pathname}${url.search}`);
  });
}

/** Goes to a page of the app; the browser's back leads to where one was. */
export function navigate(to: string): void {
  if (to === `${window.location.pathname}${window.location.search}`) return;
  history.pushState({ key: crypto.randomUUID() }, "", to);
  read();
  window.scrollTo(0, 0);
  // Who listens to the page hears where it begins, and the next tab goes on from there.
  hasNavigated = true;
  requestAnimationFrame(focusHeading);
}

/** A page that was still loading gives way to another heading: that has the focus then, if nothing else has taken it. */
export function takeFocus(): void {
  if (hasNavigated && document.activeElement === document.body) focusHeading();
}

function focusHeading(): void {
  document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
}

/** Changes one field of the query in place: what is typed is no step to go back to. Empty takes it away. */
export function setQuery(name: string, value: string): void {
  const next = new URLSearchParams(query.value);
  if (value === "") next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  history.replaceState(history.state, "", `${path.value}${text === "" ? "" : `?${text}`}`);
  read();
}
