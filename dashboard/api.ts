import { useState } from "preact/hooks";

import type { Problem } from "../src/dashboard/views.ts";

/** What the server refused a request with. */
class RequestError extends Error {
  readonly code: string;

  constructor({ code, message }: Problem) {
    super(message);
    this.code = code;
  }
}

/** Asks the dashboard's server, with JSON where something is sent. @throws RequestError */
export async function ask<Answer>(path: string, body?: object): Promise<Answer> {
  const init =
    body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let answer: unknown;
  try {
    const response = await fetch(path, init);
    answer = await response.json();
    if (response.ok) return answer as Answer;
  } catch {
    throw new RequestError({ code: "DASHBOARD_UNAVAILABLE", message: "the dashboard's server does not answer" });
  }
  const { error } = answer as { readonly error?: Problem };
  throw new RequestError(error ?? { code: "INTERNAL", message: "the server failed" });
}

/** Something that is asked for by a button: not yet, under way, or what came of it. */
export type Asked<Answer> =
  | { readonly state: "idle" | "waiting" }
  | { readonly state: "done"; readonly answer: Answer }
  | { readonly state: "failed"; readonly problem: Problem };

/** What a button asks for, and what calls for it. */
export function useAsked<Answer>(work: () => Promise<Answer>): [Asked<Answer>, () => void] {
  const [asked, setAsked] = useState<Asked<Answer>>({ state: "idle" });
  const start = (): void => {
    if (asked.state === "waiting") return;
    setAsked({ state: "waiting" });
    work().then(
      (answer) => setAsked({ state: "done", answer }),
      (error: unknown) => {
        const { code, message } = error instanceof RequestError ? error : { code: "INTERNAL", message: String(error) };
        setAsked({ state: "failed", problem: { code, message } });
      },
    );
  };
  return [asked, start];
}
