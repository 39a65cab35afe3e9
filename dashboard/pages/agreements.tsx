import { useTopic } from "../live.ts";
import { AgreementsTable } from "../ui/agreements-table.tsx";
import { Loaded, Page } from "../ui/page.tsx";

/** The newest agreements of the market. */
export function Agreements() {
  const state = useTopic("market").value;
  return (
    <Loaded title="Agreements" state={state}>
      {({ agreements }) => (
        <Page title="Agreements" note="The newest first; npx sprf market agreements lists all.">
          <AgreementsTable
            caption="Agreements"
            rows={agreements}
            empty="Nobody has bought anything yet."
            sortName="sort"
          />
        </Page>
      )}
    </Loaded>
  );
}
