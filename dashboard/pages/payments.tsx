import { useState } from "preact/hooks";

import {
  MAX_STATEMENT_LINES,
  type ClaimView,
  type PaymentsView,
  type StatementLineView,
} from "../../src/dashboard/views.ts";
import { grouped, short } from "../format.ts";
import { useTopic } from "../live.ts";
import { navigate } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { EVENT_COLUMNS } from "../ui/event-columns.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Amount } from "../ui/words.tsx";
import { account as signedIn, signIn } from "../wallet.ts";

/** What an account is owed and has been paid; its own owner takes it out here. */
export function Payments({ params: { account } }: PageProps) {
  const shown = account ?? signedIn.value;
  return shown === undefined ? <Choose /> : <Of account={shown} />;
}

function Choose() {
  const [text, setText] = useState("");
  return (
    <Page title="Payments" note="What an account is owed by the market, has been paid, and holds there.">
      <div class="choose">
        <div>
          <h2>Your own</h2>
          <p class="note">Connect a wallet to see what you can take out, and take it out.</p>
          <button type="button" class="button button-main" onClick={() => void signIn()}>
            Connect wallet
          </button>
        </div>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            navigate(`/payments/${text.trim()}`);
          }}
        >
          <h2>Anybody's</h2>
          <label>
            Account
            <input
              type="text"
              class="mono"
              placeholder="0x…"
              pattern="\s*0x[0-9a-fA-F]{40}\s*"
              required
              spellcheck={false}
              autocomplete="off"
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
          <button type="submit" class="button">
            Show
          </button>
        </form>
      </div>
    </Page>
  );
}

function Of({ account }: { readonly account: string }) {
  const state = useTopic("payments", account).value;
  return (
    <Loaded title="Payments" state={state}>
      {(view) => <PaymentsPage view={view} />}
    </Loaded>
  );
}

function PaymentsPage({ view }: { readonly view: PaymentsView }) {
  const { account, claims, lines, lineCount, twinId, nowWei, contracts } = view;
  const isOwn = signedIn.value?.toLowerCase() === account.toLowerCase();
  return (
    <Page
      title="Payments"
      note={
        <>
          <span class="mono" title={account}>
            {short(account)}
          </span>
          {twinId === undefined ? ", no twin of this market" : `, twin ${twinId}`}
          {isOwn ? ", you" : ""}
        </>
      }
    >
      <Figures
        items={[
          { label: "Can be taken out now", value: <Amount wei={nowWei} /> },
          {
            label: "Earned less spent",
            value: <Amount wei={lines[0]?.balanceWei ?? "0"} />,
            hint: "all that came in less all that went out, without gas",
          },
          {
            label: "Held by the market",
            value: <Amount wei={lines[0]?.heldWei ?? "0"} />,
            hint: "stake, credits and bonds",
          },
          { label: "Movements", value: grouped(lineCount) },
        ]}
      />
      <Section title="Due">
        {claims.length === 0 ? (
          <p class="empty">Nothing is due to this account.</p>
        ) : (
          <ul class="claims">
            {claims.map((claim) => (
              <Claim
                key={`${claim.from}${claim.contract}${claim.number ?? ""}`}
                claim={claim}
                isOwn={isOwn}
                chainId={contracts.chainId}
              />
            ))}
          </ul>
        )}
      </Section>
      <Section title="Statement">
        <Table
          caption="Movements, newest first"
          columns={LINES}
          rows={lines}
          rowKey={(line) =>
            `${line.block}${line.transaction}${line.kind}${line.agreement ?? ""}${line.epoch ?? ""}${line.balanceWei}`
          }
          empty="Nothing has moved on this account."
        />
        {lineCount > MAX_STATEMENT_LINES && (
          <p class="note">
            The newest {MAX_STATEMENT_LINES} of {grouped(lineCount)}; all of them: npx sprf market statement {account}
          </p>
        )}
      </Section>
    </Page>
  );
}

type ClaimStep = { readonly kind: "idle" | "waiting" } | { readonly kind: "failed"; readonly words: string };

function Claim({
  claim,
  isOwn,
  chainId,
}: {
  readonly claim: ClaimView;
  readonly isOwn: boolean;
  readonly chainId: number;
}) {
  const block = useTopic("status").value.view?.block ?? 0;
  const [step, setStep] = useState<ClaimStep>({ kind: "idle" });
  const isLocked = claim.releaseBlock > block + 1;
  const take = async (): Promise<void> => {
    setStep({ kind: "waiting" });
    try {
      const { claim: send } = await import("../transactions.ts");
      await send(chainId, claim);
      // The claim goes with the next view, once the index has the block.
    } catch (error) {
      setStep({ kind: "failed", words: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <li>
      <span>{nameOf(claim)}</span>
      <Amount wei={claim.amountWei} />
      {isLocked ? (
        <span class="note">from block {grouped(claim.releaseBlock)}</span>
      ) : isOwn ? (
        <button
          type="button"
          class="button button-main"
          disabled={step.kind === "waiting"}
          aria-label={`Withdraw ${nameOf(claim)}`}
          onClick={() => void take()}
        >
          {step.kind === "waiting" ? "Waiting" : "Withdraw"}
        </button>
      ) : (
        <span class="note">its owner withdraws it</span>
      )}
      {step.kind === "failed" && (
        <p class="failure" role="alert">
          {step.words}
        </p>
      )}
    </li>
  );
}

function nameOf({ from, number }: ClaimView): string {
  switch (from) {
    case "agreement":
      return `from agreement #${number ?? ""}`;
    case "tester-fees":
      return "fees as a tester";
    case "bonds":
      return "bonds and rewards";
    case "worker-stake":
      return `stake of worker ${number ?? ""}`;
    case "tester-stake":
      return `stake of tester ${number ?? ""}`;
  }
}

const LINES: readonly Column<StatementLineView>[] = [
  ...EVENT_COLUMNS,
  { key: "in", label: "In", isNumber: true, cell: ({ inWei }) => (inWei === "0" ? "" : <Amount wei={inWei} />) },
  { key: "out", label: "Out", isNumber: true, cell: ({ outWei }) => (outWei === "0" ? "" : <Amount wei={outWei} />) },
  {
    key: "wallet",
    label: "Wallet",
    isNumber: true,
    isMinor: true,
    cell: ({ walletWei }) => <Amount wei={walletWei} />,
  },
  { key: "held", label: "Held", isNumber: true, isMinor: true, cell: ({ heldWei }) => <Amount wei={heldWei} /> },
];
