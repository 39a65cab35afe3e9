import { LookUp } from "../ui/look-up.tsx";
import { Page } from "../ui/page.tsx";
import "../pages.css";

/** Leads to a channel by its number. */
export function Channels() {
  return (
    <Page
      title="Channels"
      note="A channel's members play a program many times a second and settle on the chain. Live by the nodes that --channel-node names."
    >
      <LookUp label="Channel" placeholder="1" pattern="[1-9][0-9]{0,18}" base="/channels" />
    </Page>
  );
}
