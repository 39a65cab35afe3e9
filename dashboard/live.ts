import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import type { FeedMessage, Problem, TopicKind, Views } from "../src/dashboard/views.ts";

/** A topic as the page knows it: its view, or why there is none, or neither while it waits. */
export interface TopicState<V> {
  readonly view?: V;
  readonly problem?: Problem;
}

/** Whether what is shown is what the server has. */
export type Connection = "connecting" | "live" | "lost";

/** How the stream of events does. */
export const connection: Signal<Connection> = signal<Connection>("connecting");

interface Followed {
  readonly state: Signal<TopicState<unknown>>;
  users: number;
}

/** Topics that nobody follows any more, kept so that going back shows at once what was there. */
const MAX_KEPT = 32;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 15_000;

const followed = new Map<string, Followed>();
let source: EventSource | undefined;
let openFor = "";
let isScheduled = false;
let retryMs = MIN_RETRY_MS;

/** Follows a topic for as long as the component is there. */
export function useTopic<K extends TopicKind>(kind: K, id?: string): ReadonlySignal<TopicState<Views[K]>> {
  const topic = id === undefined ? kind : `${kind}/${id}`;
  const entry = useMemo(() => entryOf(topic), [topic]);
  useEffect(() => {
    entry.users++;
    schedule();
    return () => {
      entry.users--;
      schedule();
    };
  }, [entry]);
  // The server sends each topic in the form that views.ts gives its kind.
  return entry.state as ReadonlySignal<TopicState<Views[K]>>;
}

function entryOf(topic: string): Followed {
  const found = followed.get(topic);
  if (found !== undefined) {
    // Last used, last forgotten.
    followed.delete(topic);
    followed.set(topic, found);
    return found;
  }
  const entry: Followed = { state: signal<TopicState<unknown>>({}), users: 0 };
  followed.set(topic, entry);
  return entry;
}

/** One page leaves and another comes in the same moment: the stream is opened anew once for both. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => {
    isScheduled = false;
    forgetOld();
    open();
  });
}

function forgetOld(): void {
  const idle = [...followed].filter(([, { users }]) => users === 0);
  for (const [topic] of idle.slice(0, Math.max(0, idle.length - MAX_KEPT))) followed.delete(topic);
}

function open(): void {
  const topics = [...followed].filter(([, { users }]) => users > 0).map(([topic]) => topic);
  const wanted = topics.sort().join(",");
  if (wanted === openFor && source !== undefined && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  openFor = wanted;
  if (wanted === "") return;
  const opened = new EventSource(`/events?topics=${encodeURIComponent(wanted)}`);
  source = opened;
  opened.onopen = () => {
    connection.value = "live";
    retryMs = MIN_RETRY_MS;
  };
  opened.onerror = () => {
    connection.value = "lost";
    // A connection that broke is opened again by the browser, and goes on from the last event; one that was refused is not.
    if (opened.readyState !== EventSource.CLOSED || opened !== source) return;
    setTimeout(schedule, retryMs);
    retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
  };
  opened.onmessage = ({ data }: MessageEvent<string>) => {
    const message = JSON.parse(data) as FeedMessage;
    const entry = followed.get(message.topic);
    if (entry === undefined) return;
    entry.state.value = "view" in message ? { view: message.view } : { problem: message.problem };
  };
}
