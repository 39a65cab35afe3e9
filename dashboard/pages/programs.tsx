import { Page } from "../ui/page.tsx";
import "../pages.css";
import { LookUp } from "../ui/look-up.tsx";

/** Leads to a program by its account. */
export function Programs() {
  return (
    <Page title="Programs" note="A program is an account on the ledger. Its whole history can be read and run again.">
      <LookUp label="Smart account" placeholder="G…" pattern="G[A-Z2-7]{55}" base="/programs" />
    </Page>
  );
}
