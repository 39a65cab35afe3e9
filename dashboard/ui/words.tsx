import type { ComponentChildren } from "preact";

import type { AgreementPhase, OutcomeView, Wei, WorkerSummary } from "../../src/dashboard/views.ts";
import { amount, short } from "../format.ts";

const TONES: Readonly<Record<OutcomeView | AgreementPhase | WorkerSummary["status"], string>> = {
  ok: "good",
  "no-quorum": "plain",
  unreachable: "warn",
  wrong: "bad",
  resigned: "plain",
  pending: "plain",
  running: "good",
  ended: "warn",
  finalized: "plain",
  active: "good",
  paused: "warn",
  unregistered: "plain",
};

/** A state in a word, with a colour that says no more than the word does. */
export function Badge({ state }: { readonly state: keyof typeof TONES }) {
  return <span class={`badge badge-${TONES[state]}`}>{state}</span>;
}

/** An amount in the unit that suits it; all of its digits on hover. */
export function Amount({ wei }: { readonly wei: Wei }) {
  return (
    <span class="number" title={`${wei} wei`}>
      {amount(wei)}
    </span>
  );
}

/** An account, which leads to its payments. */
export function Account({ of, children }: { readonly of: string; readonly children?: ComponentChildren }) {
  return (
    <a href={`/payments/${of}`} class="mono" title={of}>
      {children ?? short(of)}
    </a>
  );
}
