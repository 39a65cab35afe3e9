import { createHash } from "node:crypto";

import { decode, encode, prepare, type PBLink, type PBNode } from "@ipld/dag-pb";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";

import { createStateRules } from "../../domain/program/state-tree.ts";
import { SprfError } from "../../errors.ts";
import type { DirectoryEntry, ListedEntry, StoredFile } from "../../ports/content-store.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { hasLinks, parseCid } from "./cid.ts";

const SHA2_256 = 0x12;
const DAG_PB = 0x70;
const RAW = 0x55;
/** UnixFS: type directory, and no mode or time. */
const DIRECTORY = new Uint8Array([8, 1]);

/** A directory that was stored. */
export interface StoredDirectory {
  readonly cid: CID;
  readonly files: ReadonlyMap<string, StoredFile>;
}

/**
 * Stores a directory from its leaves up, over whatever stores files and blocks. Its rules keep every directory below the size
 * at which UnixFS splits it into shards, so the nodes are plain ones, as the profile `unixfs-v1-2025` has them.
 *
 * @throws SprfError `STATE_REFUSED`, `INVALID_INPUT` when the entries are not in their order
 */
export async function storeDirectory(
  entries: readonly DirectoryEntry[],
  store: {
    file(content: AsyncIterable<Uint8Array>): Promise<StoredFile>;
    block(cid: CID, bytes: Uint8Array): Promise<void>;
  },
): Promise<StoredDirectory> {
  const rules = createStateRules(Number.MAX_SAFE_INTEGER);
  const root: OpenDirectory = { depth: 0, links: [] };
  const directories = new Map<string, OpenDirectory>([["", root]]);
  const files = new Map<string, StoredFile>();
  for (const { path, file } of entries) {
    const slash = path.lastIndexOf("/");
    const parent = directories.get(path.slice(0, Math.max(0, slash)));
    if (parent === undefined) throw new SprfError("INVALID_INPUT", `${path} comes before its directory`);
    const name = rules.name(Buffer.from(path.slice(slash + 1)));
    if (file === undefined) {
      const directory: OpenDirectory = { depth: parent.depth + 1, links: [] };
      directories.set(path, directory);
      parent.links.push({ name, directory });
    } else {
      const stored = typeof file === "function" ? await store.file(file()) : file;
      files.set(path, stored);
      parent.links.push({ name, file: stored });
    }
  }
  const { cid } = await close(root);
  return { cid, files };

  async function close({ links, depth }: OpenDirectory): Promise<{ cid: CID; dagBytes: number }> {
    rules.directory(links.length, depth);
    const closed: PBLink[] = [];
    for (const link of links) {
      const target = "directory" in link ? await close(link.directory) : { ...link.file, cid: parseCid(link.file.cid) };
      closed.push({ Name: link.name, Hash: target.cid, Tsize: target.dagBytes });
    }
    const bytes = encode(prepare({ Data: DIRECTORY, Links: closed }));
    const cid = CID.createV1(DAG_PB, createDigest(SHA2_256, createHash("sha256").update(bytes).digest()));
    await store.block(cid, bytes);
    return { cid, dagBytes: closed.reduce((sum, { Tsize: size }) => sum + (size ?? 0), bytes.length) };
  }
}

interface OpenDirectory {
  readonly depth: number;
  readonly links: ({ readonly name: string } & (
    { readonly directory: OpenDirectory } | { readonly file: StoredFile }
  ))[];
}

/**
 * Lists a directory that anybody may have made.
 *
 * @throws SprfError `CONTENT_CORRUPT`, `STATE_REFUSED`, what `read` throws
 */
export async function listStoredDirectory(root: CID, read: (cid: CID) => Promise<Uint8Array>): Promise<ListedEntry[]> {
  const rules = createStateRules(Number.MAX_SAFE_INTEGER);
  const listed: ListedEntry[] = [];
  const visit = async (cid: CID, prefix: string, depth: number): Promise<void> => {
    const links = directoryLinks(cid, await read(cid));
    if (links === undefined) throw noDirectory(cid);
    rules.directory(links.length, depth);
    let last = "";
    for (const { Name: raw, Hash: hash } of links) {
      const name = rules.name(Buffer.from(raw ?? ""));
      if (Buffer.compare(Buffer.from(last), Buffer.from(name)) >= 0) throw noDirectory(cid);
      last = name;
      const path = `${prefix}${name}`;
      const kind = await kindOf(hash);
      listed.push({ path, kind, cid: hash.toString() });
      if (kind === "directory") await visit(hash, `${path}/`, depth + 1);
    }
  };
  const kindOf = async (cid: CID): Promise<ListedEntry["kind"]> => {
    parseCid(cid.toString());
    if (cid.code === RAW) return "file";
    if (!hasLinks(cid)) throw noDirectory(cid);
    return directoryLinks(cid, await read(cid)) === undefined ? "file" : "directory";
  };
  await visit(root, "", 0);
  return listed;
}

/** The links of a plain directory; undefined when the block is a file's. */
function directoryLinks(cid: CID, bytes: Uint8Array): readonly PBLink[] | undefined {
  if (!hasLinks(cid)) return undefined;
  let node: PBNode;
  try {
    node = decode(bytes);
  } catch (error) {
    throw noDirectory(cid, error);
  }
  // The first field of UnixFS data is the type: 1 directory, 2 file, 5 a part of a directory in shards.
  const data = node.Data ?? new Uint8Array();
  if (data[0] === 8 && data[1] === 2) return undefined;
  if (!equalBytes(data, DIRECTORY)) throw noDirectory(cid);
  return node.Links;
}

function noDirectory(cid: CID, cause?: unknown): SprfError {
  return new SprfError("CONTENT_CORRUPT", `${cid.toString()} is not a plain directory without metadata`, { cause });
}
