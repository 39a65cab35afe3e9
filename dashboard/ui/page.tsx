import type { ComponentChildren } from "preact";

import { useEffect } from "preact/hooks";

import type { Problem } from "../../src/dashboard/views.ts";
import type { TopicState } from "../live.ts";
import { takeFocus } from "../router.ts";

/** A page's heading, which gets the focus when one comes here, and what stands below it. */
export function Page({
  title,
  note,
  actions,
  children,
}: {
  readonly title: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  useEffect(takeFocus, []);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {note !== undefined && <p class="note">{note}</p>}
        </div>
        {actions}
      </div>
      {children}
    </div>
  );
}

/** A part of a page with a heading of its own. */
export function Section({
  title,
  actions,
  children,
}: {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const id = `section-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <section aria-labelledby={id}>
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}

/** Numbers with their names, side by side. */
export function Figures({
  items,
}: {
  readonly items: ReadonlyArray<{
    readonly label: string;
    readonly value: ComponentChildren;
    readonly hint?: string;
  }>;
}) {
  return (
    <dl class="figures">
      {items.map(({ label, value, hint }) => (
        <div key={label} title={hint}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What a topic's page shows: its view, why there is none, or the room that the view will take. */
export function Loaded<V>({
  title,
  state,
  children,
}: {
  readonly title: string;
  readonly state: TopicState<V>;
  readonly children: (view: V) => ComponentChildren;
}) {
  if (state.view !== undefined) return <>{children(state.view)}</>;
  return (
    <Page title={title}>{state.problem === undefined ? <Waiting /> : <ProblemNote problem={state.problem} />}</Page>
  );
}

function Waiting() {
  return (
    <div class="waiting" role="status">
      <span class="quiet">Loading</span>
      <div class="bone bone-figures" />
      <div class="bone bone-table" />
    </div>
  );
}

function ProblemNote({ problem: { code, message } }: { readonly problem: Problem }) {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>Nothing to show:</strong> {message}.
      </p>
      <p class="note">
        <code>{code}</code> · <a href="/">Back to the market</a>
      </p>
    </div>
  );
}
