import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { withDeadline } from "../utils/abort.ts";
import type { TopicSource } from "./topic-source.ts";
import { openReader, type Reader, type ReaderLimits, type Shown } from "./reader.ts";
import type { FeedMessage, Problem, TopicKind } from "./views.ts";
import { MAX_TOPICS } from "./views.ts";

/** Pages that may be open at once; one more is refused. */
const MAX_READERS = 64;
/** Topics that nobody reads, whose last view is kept for whoever comes back. */
const MAX_IDLE_TOPICS = 64;
const READ_TIMEOUT_MS = 20_000;
/** A source that ended or failed is asked again after so long. */
const AGAIN_MS = 3_000;
/** A page that is loaded again finds what it followed still followed. */
const DEFAULT_LEAVE_MS = 5_000;
const TOPIC = /^([a-z]{1,32})(?:\/([A-Za-z0-9._:-]{1,100}))?$/;

/** Where the views of one kind of topic come from: each is read when it may have changed, or the source says by itself when it has. */
export type Source = ReadSource | TopicSource<unknown>;

export interface ReadSource {
  /**
   * The view of a topic as it is now, in what JSON can hold.
   *
   * @param id what follows the kind in the topic's name; empty when nothing does
   * @throws SprfError what the reader is told instead of a view
   */
  read(id: string, options: { readonly signal: AbortSignal }): Promise<unknown>;
  /** Looked at so often while somebody reads it; without it, when {@link Feed.refresh} says that the chain has moved. */
  readonly everyMs?: number;
}

export interface FeedComponents {
  readonly sources: Readonly<Record<TopicKind, Source>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface FeedOptions {
  /** What the stream that a reader left off ended with (`Last-Event-ID`). */
  readonly lastEventId?: string | undefined;
  /** Ends the connection of a reader that takes nothing. */
  readonly breakOff?: (() => void) | undefined;
}

/** Views as they change, for any number of readers up to a bound. */
export interface Feed {
  /**
   * The events of some topics as text (`text/event-stream`): each as it is now, and again whenever it has changed. A reader that
   * falls behind gets the newest view of each topic and none in between; one that takes nothing at all is dropped.
   *
   * @throws SprfError `INVALID_INPUT` for topics that there are none of, `DASHBOARD_BUSY`
   */
  open(topics: readonly string[], options?: FeedOptions): ReadableStream<Uint8Array>;
  /** Looks again at all topics that somebody reads and that have no pace of their own. */
  refresh(): void;
  readonly readers: number;
  /** Ends all streams; safe to repeat. */
  close(): void;
}

/** How patient a feed is; tests have less time. */
export interface FeedLimits {
  /** How long a source is followed when nobody reads its topic any more. @default 5000 */
  readonly leaveMs: number;
}

interface Topic extends Shown {
  readonly name: string;
  readonly id: string;
  readonly source: Source;
  readonly readers: Set<Reader>;
  /** Ends the source's views. */
  leave?: AbortController;
  isReading: boolean;
  /** Something happened since the read that is under way began. */
  isStale: boolean;
}

export function createFeed(
  { sources, clock, logger }: FeedComponents,
  limits: Partial<ReaderLimits & FeedLimits> = {},
): Feed {
  const { leaveMs = DEFAULT_LEAVE_MS } = limits;
  const topics = new Map<string, Topic>();
  const readers = new Set<Reader>();
  const ended = new AbortController();
  /** Numbers of another process mean nothing here. */
  const boot = clock.now().toString(36);
  let changes = 0;

  function topicOf(name: string): Topic {
    const [, kind = "", id = ""] = TOPIC.exec(name) ?? [];
    const source = Object.hasOwn(sources, kind) ? sources[kind as TopicKind] : undefined;
    if (source === undefined) throw new SprfError("INVALID_INPUT", `topics: there is no ${JSON.stringify(name)}`);
    const found = topics.get(name);
    if (found !== undefined) return found;
    const topic = { name, id, source, readers: new Set<Reader>(), changedAt: 0, isReading: false, isStale: false };
    topics.set(name, topic);
    return topic;
  }

  function forgetIdle(): void {
    const idle = [...topics.values()].filter((topic) => topic.readers.size === 0);
    for (const { name } of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_TOPICS))) topics.delete(name);
  }

  async function messageFor(topic: Topic, source: ReadSource): Promise<FeedMessage> {
    try {
      const signal = withDeadline(ended.signal, READ_TIMEOUT_MS);
      return { topic: topic.name, view: await source.read(topic.id, { signal }) };
    } catch (error) {
      return problemMessage(topic, error);
    }
  }

  function problemMessage({ name }: Topic, error: unknown): FeedMessage {
    if (!isSprfError(error)) logger.error("a view failed", { topic: name, error: String(error) });
    return { topic: name, problem: problemOf(error) };
  }

  /** Takes views as they come, for as long as somebody reads the topic. */
  async function follow(topic: Topic, source: TopicSource<unknown>): Promise<void> {
    if (topic.isReading) return;
    topic.isReading = true;
    topic.leave = new AbortController();
    const signal = AbortSignal.any([ended.signal, topic.leave.signal]);
    try {
      while (!signal.aborted) {
        try {
          for await (const view of source.views(topic.id, { signal })) {
            if (signal.aborted) break;
            show(topic, JSON.stringify({ topic: topic.name, view }));
          }
        } catch (error) {
          if (!signal.aborted) show(topic, JSON.stringify(problemMessage(topic, error)));
        }
        await clock.sleep(AGAIN_MS, { signal }).catch(() => undefined);
      }
    } finally {
      topic.isReading = false;
    }
    // Somebody came when it was ending.
    if (topic.readers.size > 0 && !ended.signal.aborted) void follow(topic, source);
  }

  function leaveSoon(topic: Topic): void {
    if (topic.readers.size > 0 || topic.leave === undefined) return;
    clock.sleep(leaveMs, { signal: ended.signal }).then(
      () => {
        if (topic.readers.size === 0) topic.leave?.abort();
      },
      () => undefined,
    );
  }

  /** Reads a topic, and once more when something has happened meanwhile; one read at a time. */
  async function look(topic: Topic): Promise<void> {
    const { source } = topic;
    if ("views" in source) return await follow(topic, source);
    topic.isStale = true;
    if (topic.isReading) return;
    topic.isReading = true;
    try {
      while (topic.isStale && topic.readers.size > 0 && !ended.signal.aborted) {
        topic.isStale = false;
        show(topic, JSON.stringify(await messageFor(topic, source)));
        if (source.everyMs !== undefined) {
          await clock.sleep(source.everyMs, { signal: ended.signal }).catch(() => undefined);
          topic.isStale = true;
        }
      }
    } finally {
      topic.isReading = false;
    }
  }

  function show(topic: Topic, text: string): void {
    if (text === topic.text) return;
    changes++;
    topic.text = text;
    topic.changedAt = changes;
    for (const reader of topic.readers) reader.offer(topic);
  }

  return {
    open(names, { lastEventId, breakOff } = {}) {
      if (names.length === 0 || names.length > MAX_TOPICS) {
        throw new SprfError("INVALID_INPUT", `topics: 1 to ${MAX_TOPICS} are expected, not ${names.length}`);
      }
      if (readers.size >= MAX_READERS) throw new SprfError("DASHBOARD_BUSY", `${readers.size} pages are open already`);
      const wanted = [...new Set(names)].map(topicOf);
      const seen = seenOf(lastEventId, boot);
      const reader = openReader({ clock, boot, breakOff, limits }, () => {
        readers.delete(reader);
        for (const topic of wanted) {
          topic.readers.delete(reader);
          leaveSoon(topic);
        }
        forgetIdle();
      });
      readers.add(reader);
      for (const topic of wanted) {
        topic.readers.add(reader);
        if (topic.text !== undefined && topic.changedAt > seen) reader.offer(topic);
        void look(topic);
      }
      return reader.body;
    },
    refresh() {
      for (const topic of topics.values()) {
        const isPaced = "views" in topic.source || topic.source.everyMs !== undefined;
        if (topic.readers.size > 0 && !isPaced) void look(topic);
      }
    },
    get readers() {
      return readers.size;
    },
    close() {
      ended.abort();
      for (const reader of readers) reader.close();
    },
  };
}

/** What a reader has seen of this process's changes; nothing when it was another one's. */
function seenOf(lastEventId: string | undefined, boot: string): number {
  const [, from, number] = /^([0-9a-z]{1,16})-(\d{1,15})$/.exec(lastEventId ?? "") ?? [];
  return from === boot ? Number(number) : 0;
}

function problemOf(error: unknown): Problem {
  if (isSprfError(error)) return { code: error.code, message: error.message };
  return { code: "INTERNAL", message: `this is a bug: ${messageOf(error)}` };
}
