import type {
  BytesView,
  InputView,
  RerunView,
  ResultView,
  RunView,
  SignerView,
  StepView,
  TransactionView,
} from "../../src/dashboard/program-types.ts";
import { ask, useAsked } from "../api.ts";
import { grouped, moment, short } from "../format.ts";
import { bytesText } from "../units.ts";
import { Tag } from "./tag.tsx";

/** One step of a program's state: what went in and came out, who signed it, and a button that has it run again. */
export function Step({ program, step }: { readonly program: string; readonly step: StepView }) {
  const { kind, sequence, timeSeconds, recordCid, state, previousState, runs, transaction, isRun } = step;
  const [rerun, start] = useAsked(
    async () => await ask<RerunView>(`/api/programs/${program}/rerun`, { record: recordCid }),
  );
  const name = sequence === undefined ? "creation" : `step ${sequence}`;
  return (
    <li class="step">
      <div class="step-head">
        <h3>
          <Tag tone={isRun ? "good" : "plain"}>{kind}</Tag>{" "}
          {sequence === undefined ? "" : <span class="number">{grouped(Number(sequence))}</span>}
        </h3>
        {timeSeconds > 0 && <time class="note number">{moment(timeSeconds)}</time>}
        {isRun && (
          <button
            type="button"
            class="button"
            disabled={rerun.state === "waiting"}
            aria-label={`Run it again: ${name}`}
            onClick={start}
          >
            {rerun.state === "waiting" ? "Running…" : "Run it again"}
          </button>
        )}
      </div>
      <div class="step-result" role="status">
        {rerun.state === "done" && <Rerun rerun={rerun.answer} />}
        {rerun.state === "failed" && (
          <p class="failure">
            It was not run: {rerun.problem.message}. <code>{rerun.problem.code}</code>
          </p>
        )}
      </div>
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>
            <span class="mono cid" title={state}>
              {state}
            </span>
            {isRun && previousState === state && <span class="note"> unchanged</span>}
          </dd>
        </div>
        <div>
          <dt>Record</dt>
          <dd>
            <span class="mono cid" title={recordCid}>
              {recordCid}
            </span>
          </dd>
        </div>
        <div>
          <dt>Transaction</dt>
          <dd>
            <TransactionLink of={transaction} />
          </dd>
        </div>
        <div>
          <dt>Signed by</dt>
          <dd>
            <Signers step={step} />
          </dd>
        </div>
      </dl>
      {runs.map((run, index) => (
        <Run
          key={run.payment.hash}
          program={program}
          run={run}
          title={runs.length > 1 ? `Input ${index + 1}` : "Run"}
        />
      ))}
    </li>
  );
}

function TransactionLink({ of: { hash, url } }: { readonly of: TransactionView }) {
  return (
    <span class="mono cid" title={hash}>
      {url === undefined ? hash : <a href={url}>{hash}</a>}
    </span>
  );
}

/** A dot for each worker, and the sentence that says the same. */
function Signers({ step: { signers, majority, otherSignatures, kind } }: { readonly step: StepView }) {
  if (signers.length === 0) return <>{kind === "create" ? "whoever made it" : "workers that are not known here"}</>;
  const count = signers.filter(({ signed }) => signed).length;
  const others = otherSignatures === 0 ? "" : `, and ${otherSignatures} besides (who pays, or its owner)`;
  return (
    <>
      <span class="pips" aria-hidden="true">
        {signers.map((signer) => (
          <span key={signer.ledgerKey} class={signer.signed ? "pip pip-on" : "pip"} title={signerText(signer)} />
        ))}
      </span>
      {count} of {signers.length} workers, {majority} are enough{others}
      <details>
        <summary>Which</summary>
        <ul class="plain-list">
          {signers.map((signer) => (
            <li key={signer.ledgerKey} class="mono">
              {signer.signed ? "✓" : "–"} {signer.address} {short(signer.ledgerKey)}
              <span class="quiet">{signer.signed ? "signed" : "did not sign"}</span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function signerText({ address, signed }: SignerView): string {
  return `${address} ${signed ? "signed" : "did not sign"}`;
}

function Run({ program, run, title }: { readonly program: string; readonly run: RunView; readonly title: string }) {
  const { user, input, outputCid, status, gas, feeStroops, payment } = run;
  return (
    <details class="run">
      <summary>
        {title}: {inputText(input)} of <span class="mono">{short(user)}</span>, {grouped(Number(gas))} gas
        {status === "accepted" ? "" : `, ${status}`}
      </summary>
      <dl class="facts">
        <div>
          <dt>User</dt>
          <dd>
            <span class="mono cid" title={user}>
              {user}
            </span>
          </dd>
        </div>
        <div>
          <dt>Paid</dt>
          <dd>
            base fee in <TransactionLink of={payment} /> and {grouped(Number(feeStroops))} stroops
          </dd>
        </div>
        <div>
          <dt>Input</dt>
          <dd>
            {input.kind === "inline" ? (
              <Bytes bytes={input} />
            ) : (
              <Content program={program} cid={input.cid} name="input" />
            )}
          </dd>
        </div>
        <div>
          <dt>Output</dt>
          <dd>
            <Content program={program} cid={outputCid} name="output" />
          </dd>
        </div>
      </dl>
    </details>
  );
}

function inputText(input: InputView): string {
  return input.kind === "inline" ? `${bytesText(input.bytes)} of input` : "an input by its CID";
}

/** Content by its CID, which is fetched when it is asked for. */
function Content({ program, cid, name }: { readonly program: string; readonly cid: string; readonly name: string }) {
  const [asked, start] = useAsked(async () => await ask<BytesView>(`/api/programs/${program}/content/${cid}`));
  return (
    <>
      <span class="mono cid" title={cid}>
        {cid}
      </span>
      {asked.state !== "done" && (
        <button type="button" class="button" disabled={asked.state === "waiting"} onClick={start}>
          {asked.state === "waiting" ? "Fetching…" : `Show ${name}`}
        </button>
      )}
      {asked.state === "done" && <Bytes bytes={asked.answer} />}
      {asked.state === "failed" && (
        <p class="failure" role="alert">
          {asked.problem.message}
        </p>
      )}
    </>
  );
}

function Bytes({ bytes: { bytes, text, isCut } }: { readonly bytes: BytesView }) {
  if (bytes === 0) return <p class="note">empty</p>;
  if (text === undefined) return <p class="note">{bytesText(bytes)}, no text</p>;
  return (
    <>
      <pre class="text" tabIndex={0} role="region" aria-label="Text">
        {text}
      </pre>
      {isCut && <p class="note">The beginning of {bytesText(bytes)}.</p>}
    </>
  );
}

/** What came of a run, beside what was anchored. */
function Rerun({ rerun }: { readonly rerun: RerunView }) {
  const { outcome, tookMs, ran, runs, landed, own, problem } = rerun;
  if (outcome === "failed") {
    return (
      <p class="failure">
        It could not be run here, which says nothing about it: {problem?.message}. <code>{problem?.code}</code>
      </p>
    );
  }
  const what = runs > 1 ? `${ran} of ${runs} inputs` : "it";
  return (
    <>
      <p class={outcome === "equal" ? "success" : "failure"}>
        {outcome === "equal"
          ? `Equal: ran ${what} again in ${grouped(tookMs)} ms, and state, output and gas are those that were signed.`
          : `Different: ran ${what} again in ${grouped(tookMs)} ms, and it comes to something else than was signed.`}
      </p>
      {landed !== undefined && own !== undefined && <Comparison landed={landed} own={own} />}
    </>
  );
}

const COMPARED = [
  ["state", "State"],
  ["outputCid", "Output"],
  ["gas", "Gas"],
  ["status", "Status"],
] as const satisfies ReadonlyArray<readonly [keyof ResultView, string]>;

function Comparison({ landed, own }: { readonly landed: ResultView; readonly own: ResultView }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="What was signed and what came out now">
      <table class="comparison">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Signed and anchored</th>
            <th scope="col">Came out now</th>
          </tr>
        </thead>
        <tbody>
          {COMPARED.map(([key, label]) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              <td class="mono" title={landed[key]}>
                {endOf(landed[key])}
              </td>
              <td class="mono" title={own[key]}>
                {endOf(own[key])} {own[key] === landed[key] ? "✓" : "≠"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** CIDs begin alike: they differ at their ends. */
function endOf(text: string): string {
  return text.length <= 20 ? text : `…${text.slice(-16)}`;
}
