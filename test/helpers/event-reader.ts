import { request, type IncomingMessage } from "node:http";

/** One event of a stream. */
export interface ReadEvent {
  readonly id: string;
  readonly data: unknown;
}

/** A reader of `text/event-stream` that keeps what comes. */
export interface EventReader {
  readonly status: number;
  readonly events: readonly ReadEvent[];
  /** Comments, which are the heartbeats. */
  readonly comments: readonly string[];
  readonly isEnded: boolean;
  /** Takes nothing more from its connection, as a page that hangs. */
  pause(): void;
  close(): void;
}

/** Opens a stream of events. */
export async function readEvents(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).once("error", reject).end();
  });
  const events: ReadEvent[] = [];
  const comments: string[] = [];
  let isEnded = false;
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const lines = part.split("\n");
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (part.startsWith(":")) comments.push(part);
      if (data !== undefined) events.push({ id: field("id") ?? "", data: JSON.parse(data) });
    }
  });
  const end = (): void => {
    isEnded = true;
  };
  response.once("close", end).once("error", end);
  return {
    status: response.statusCode ?? 0,
    events,
    comments,
    get isEnded() {
      return isEnded;
    },
    pause: () => response.pause(),
    close: () => response.destroy(),
  };
}
