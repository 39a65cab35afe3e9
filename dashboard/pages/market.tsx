import { useState } from "preact/hooks";

import { phaseOf, type MarketView, type WorkerSummary } from "../../src/dashboard/views.ts";
import { grouped, inUnit } from "../format.ts";
import { useTopic } from "../live.ts";
import { query, setQuery } from "../router.ts";
import { AgreementsTable } from "../ui/agreements-table.tsx";
import { BuyDialog } from "../ui/buy-dialog.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { WorkersTable } from "../ui/workers-table.tsx";
import { Amount } from "../ui/words.tsx";

const LATEST = 8;
/** Characters of an account that are looked for. */
const LEAST_OF_ACCOUNT = 4;

/** All workers, and the latest agreements. */
export function Market() {
  const state = useTopic("market").value;
  return (
    <Loaded title="Market" state={state}>
      {(view) => <MarketPage view={view} />}
    </Loaded>
  );
}

function MarketPage({ view }: { readonly view: MarketView }) {
  const { workers, agreements, contracts } = view;
  const block = useTopic("status").value.view?.block ?? 0;
  const [chosen, setChosen] = useState<WorkerSummary | undefined>(undefined);
  const search = query.value.get("q") ?? "";
  const found = workers.filter((worker) => matches(worker, search));
  const active = workers.filter(({ status }) => status === "active");
  const stakeWei = workers.reduce((sum, worker) => sum + BigInt(worker.stakeWei), 0n);
  const running = agreements.filter((each) => phaseOf(each, block) === "running");
  return (
    <Page title="Market" note="Who sells work, for how much, and how it went so far.">
      <Figures
        items={[
          { label: "Active workers", value: grouped(active.length) },
          { label: "Lowest price", value: cheapest(active), hint: "gwei per block of work" },
          {
            label: "Staked",
            value: <Amount wei={String(stakeWei)} />,
            hint: "what workers lose when they answer wrongly",
          },
          { label: "Agreements running", value: grouped(running.length) },
        ]}
      />
      <Section
        title="Workers"
        actions={
          <input
            type="search"
            class="search"
            placeholder="Number, account or status"
            aria-label="Search workers"
            value={search}
            onInput={({ currentTarget }) => setQuery("q", currentTarget.value)}
          />
        }
      >
        <WorkersTable
          rows={found}
          empty={workers.length === 0 ? "No worker has registered yet: npx sprf worker" : "No worker matches."}
          onBuy={setChosen}
        />
      </Section>
      <Section title="Latest agreements" actions={<a href="/agreements">All agreements</a>}>
        <AgreementsTable
          caption="Latest agreements"
          rows={agreements.slice(0, LATEST)}
          empty="Nobody has bought anything yet: npx sprf market buy, or Buy above."
        />
      </Section>
      {chosen !== undefined && <BuyDialog worker={chosen} contracts={contracts} onClose={() => setChosen(undefined)} />}
    </Page>
  );
}

function matches({ workerId, operator, status }: WorkerSummary, search: string): boolean {
  const words = search.trim().toLowerCase();
  if (words === "") return true;
  return String(workerId) === words || status.startsWith(words) || isPartOf(operator, words);
}

/** Digits alone are a worker's number: each would be somewhere in every account. */
function isPartOf(account: string, words: string): boolean {
  return words.length >= LEAST_OF_ACCOUNT && account.toLowerCase().includes(words);
}

function cheapest(workers: readonly WorkerSummary[]): string {
  const prices = workers.map(({ pricePerBlockWei }) => BigInt(pricePerBlockWei));
  if (prices.length === 0) return "none";
  const lowest = prices.reduce((least, price) => (price < least ? price : least));
  return `${inUnit(String(lowest), "gwei", 3)} gwei`;
}
