import { Page } from "../ui/page.tsx";

/** For paths that no page has. */
export function NotFound() {
  return (
    <Page title="Not found" note="There is no page at this address.">
      <p>
        <a href="/">To the market</a>
      </p>
    </Page>
  );
}
