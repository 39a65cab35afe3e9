/** Shorter ones are found in everything. */
const LEAST_SECRET = 8;
/** Providers put keys of this length and more into paths and queries. */
const LEAST_KEY = 16;

/** Settings of a daemon, or as many of them as a command has. */
interface Secretive {
  readonly networks?: {
    readonly chain?: { readonly rpcUrl: string } | undefined;
    readonly ledger?: { readonly rpcUrl: string } | undefined;
  };
  readonly identity?: { readonly mnemonic?: string | undefined };
  readonly content?: { readonly kuboUrl: string };
  readonly database?: { readonly url?: string | undefined };
}

/** Values of the settings that no log may show: words of accounts, and passwords and keys in addresses. */
export function secretsOf({ networks, identity, content, database }: Secretive): readonly string[] {
  const addresses = [networks?.chain?.rpcUrl, networks?.ledger?.rpcUrl, content?.kuboUrl, database?.url];
  const urls = addresses.filter((url) => url !== undefined);
  return [identity?.mnemonic ?? "", ...urls.flatMap(keysIn)].filter((value) => value.length >= LEAST_SECRET);
}

function keysIn(text: string): readonly string[] {
  if (!URL.canParse(text)) return [text];
  const { username, password, pathname, searchParams } = new URL(text);
  const parts = [...pathname.split("/"), ...searchParams.values()].filter((part) => part.length >= LEAST_KEY);
  const found = [username, password, ...parts];
  // Whether they are shown as they were written or as they are meant.
  return found.flatMap((part) => [part, decoded(part), encodeURIComponent(part)]);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
