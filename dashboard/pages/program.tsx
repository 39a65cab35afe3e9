import { useRef, useState } from "preact/hooks";

import type { ProgramView, StepPage } from "../../src/dashboard/program-types.ts";
import { ask, useAsked } from "../api.ts";
import { joinPages } from "../join-pages.ts";
import { grouped, short } from "../format.ts";
import { useTopic } from "../live.ts";
import type { PageProps } from "../routes.ts";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Step } from "../ui/step.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Tag } from "../ui/tag.tsx";
import { xlm } from "../units.ts";
import "../pages.css";

/** One program: what its account says, and every step of its state, each of which can be run again. */
export function Program({ params: { id = "" } }: PageProps) {
  const state = useTopic("program", id).value;
  return (
    <Loaded title="Program" state={state}>
      {(view) => <ProgramPage view={view} />}
    </Loaded>
  );
}

function ProgramPage({ view }: { readonly view: ProgramView }) {
  const { program, accountUrl, engine, image, state, majority, workers, owner } = view;
  const { steps, next, more, isWaiting, problem } = useSteps(view);
  return (
    <Page
      title="Program"
      note={
        <>
          <Tag tone="plain">{engine}</Tag> <Mono text={program} url={accountUrl} />
        </>
      }
    >
      <Figures
        items={[
          { label: "Sequence", value: grouped(Number(view.sequence)), hint: "of the account on the ledger" },
          { label: "Changed in ledger", value: grouped(view.ledger) },
          { label: "Base fee", value: `${grouped(Number(view.baseFeeStroops))} stroops`, hint: "of a run" },
          { label: "Gas price", value: `${grouped(Number(view.gasPriceStroops))} stroops`, hint: "of 1,000 gas" },
          { label: "Can spend", value: xlm(view.spendableStroops), hint: "what its workers have earned" },
          { label: "Must sign", value: `${majority} of ${workers.length}`, hint: "workers, for a step to land" },
        ]}
      />
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>
            <Mono text={state} />
          </dd>
        </div>
        <div>
          <dt>Runs</dt>
          <dd>
            <Mono text={image} />
          </dd>
        </div>
        <div>
          <dt>Owner</dt>
          <dd>{owner === undefined ? "nobody: it can not be changed" : <Mono text={owner} />}</dd>
        </div>
      </dl>
      <Section title="Steps">
        <ol class="steps" aria-label="Steps, the newest first">
          {steps.map((step) => (
            <Step key={step.recordCid} program={program} step={step} />
          ))}
        </ol>
        <div class="more">
          {next === undefined ? (
            <p class="note">The history begins here.</p>
          ) : (
            <button type="button" class="button" disabled={isWaiting} onClick={more}>
              {isWaiting ? "Reading…" : "Show older steps"}
            </button>
          )}
          {problem !== undefined && (
            <p class="failure" role="alert">
              {problem}
            </p>
          )}
        </div>
      </Section>
      <Section title="Workers">
        <Table
          caption="Workers of this program"
          columns={WORKERS}
          rows={workers}
          rowKey={({ ledgerKey }) => ledgerKey}
          empty="It has no workers."
        />
      </Section>
    </Page>
  );
}

/** The newest steps as they come, and the older ones that were asked for. */
function useSteps(view: ProgramView): {
  readonly steps: StepPage["steps"];
  readonly next: string | undefined;
  readonly more: () => void;
  readonly isWaiting: boolean;
  readonly problem: string | undefined;
} {
  const known = useRef<StepPage>(view);
  known.current = joinPages(view, known.current);
  const [, setShown] = useState(0);
  const { next } = known.current;
  const [asked, more] = useAsked(async () => {
    const page = await ask<StepPage>(`/api/programs/${view.program}/steps?after=${next ?? ""}`);
    const { steps } = known.current;
    known.current = { steps: [...steps, ...page.steps], next: page.next };
    setShown(known.current.steps.length);
  });
  return {
    steps: known.current.steps,
    next,
    more,
    isWaiting: asked.state === "waiting",
    problem: asked.state === "failed" ? asked.problem.message : undefined,
  };
}

/** Something long that cannot be said shorter, as far as there is room; a link where there is somewhere to go. */
function Mono({ text, url }: { readonly text: string; readonly url?: string | undefined }) {
  return (
    <span class="mono cid" title={text}>
      {url === undefined ? text : <a href={url}>{text}</a>}
    </span>
  );
}

const WORKERS: readonly Column<ProgramView["workers"][number]>[] = [
  { key: "address", label: "Address", cell: ({ address }) => <span class="mono">{address}</span> },
  {
    key: "key",
    label: "Ledger key",
    cell: ({ ledgerKey }) => (
      <span class="mono" title={ledgerKey}>
        {short(ledgerKey)}
      </span>
    ),
  },
];
