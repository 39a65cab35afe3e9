import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

import { STATE_ENTRY_BYTES, createStateRules } from "../domain/program/state-tree.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { fileIdentity, isSameContent, listTree, type FileIdentity } from "../files/list-tree.ts";
import { readParts } from "../files/read-parts.ts";
import type { ContentStore, DirectoryEntry, StoredFile } from "../ports/content-store.ts";
import { toHex } from "../utils/bytes.ts";
import type { StateCache, StateKind, StateManifest } from "./state-cache.ts";

/** The CID of the empty file: the first state of every program, also of one whose state is a directory (ADR 6). */
export const EMPTY_STATE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

export interface StateComponents {
  readonly content: ContentStore;
  readonly states?: StateCache | undefined;
}

/** A state as a run finds it on disk. */
export interface OpenedState {
  readonly cid: string;
  readonly kind: StateKind;
  readonly path: string;
  /** As gas counts them. */
  readonly bytes: number;
  /** By path, files that this worker imported before and that were here: what they were, and how they are stored. */
  readonly known: ReadonlyMap<string, { readonly identity: FileIdentity; readonly file: ImportedFile }>;
}

type ImportedFile = StoredFile & { readonly sha256: string };

/**
 * Puts a state on disk for a run: attached from the cache, else read from the content store.
 *
 * @throws SprfError `STATE_REFUSED` when it is not of the kind that the program declares, or breaks the rules of states; what
 * the content store throws
 */
export async function openState(
  { content, states }: StateComponents,
  state: { readonly cid: string; readonly kind: StateKind; readonly path: string; readonly maxBytes: number },
  { signal }: { signal?: AbortSignal | undefined },
): Promise<OpenedState> {
  const { cid, kind, path } = state;
  const manifest = await states?.attach(cid, kind, path);
  if (manifest !== undefined) {
    const known = new Map<string, { identity: FileIdentity; file: ImportedFile }>();
    for (const { path: name, file } of manifest.entries) {
      if (file !== undefined) known.set(name, { identity: await fileIdentity(join(path, name)), file });
    }
    return { cid, kind, path, bytes: manifest.bytes, known };
  }
  const budget = { left: state.maxBytes };
  if (kind === "file") await writeContent(content, cid, path, budget, signal);
  else await writeDirectory(content, cid, path, budget, signal);
  return { cid, kind, path, bytes: state.maxBytes - budget.left, known: new Map() };
}

/**
 * Stores and pins the state that an accepted run left. Files that are known and were not replaced are not read again. The files
 * on disk go to the cache, so the state must not be used after this.
 */
export async function storeState(
  { content, states }: StateComponents,
  opened: OpenedState,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal | undefined },
): Promise<{ readonly cid: string; readonly bytes: number }> {
  const { cid, manifest } =
    opened.kind === "file"
      ? await storeFile(content, opened, signal)
      : await storeDirectory(content, opened, maxBytes, signal);
  await states?.keep(cid, opened.path, manifest);
  return { cid, bytes: manifest.bytes };
}

async function storeFile(
  content: ContentStore,
  { path, known }: OpenedState,
  signal: AbortSignal | undefined,
): Promise<{ cid: string; manifest: StateManifest }> {
  const identity = await fileIdentity(path);
  const bytes = Number(identity.bytes);
  const old = known.get("");
  if (old !== undefined && isSameContent(old.identity, identity)) {
    await content.pin(old.file.cid, { signal });
    return { cid: old.file.cid, manifest: { kind: "file", bytes, entries: [{ path: "", file: old.file }] } };
  }
  const hashed = hashing(path);
  const cid = await content.putFile(hashed.read(), { signal });
  // A file's place in a directory is not asked for here.
  const file: ImportedFile = { cid, dagBytes: bytes, sha256: hashed.digest() };
  return { cid, manifest: { kind: "file", bytes, entries: [{ path: "", file }] } };
}

async function storeDirectory(
  content: ContentStore,
  { cid: before, bytes: bytesBefore, path, known }: OpenedState,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<{ cid: string; manifest: StateManifest }> {
  const rules = createStateRules(maxBytes);
  const found = await listTree(path, rules);
  const digests = new Map<string, () => string>();
  const entries = found.map(({ path: name, kind, identity }): DirectoryEntry => {
    if (kind === "directory") return { path: name };
    const old = known.get(name);
    if (old !== undefined && isSameContent(old.identity, identity)) return { path: name, file: old.file };
    const hashed = hashing(join(path, name));
    digests.set(name, hashed.digest);
    return { path: name, file: hashed.read };
  });
  const manifest = (files: ReadonlyMap<string, StoredFile>): StateManifest => ({
    kind: "directory",
    bytes: rules.bytes,
    entries: found.map(({ path: name }) => {
      const file = files.get(name);
      if (file === undefined) return { path: name };
      const sha256 = digests.get(name)?.() ?? known.get(name)?.file.sha256 ?? "";
      return { path: name, file: { cid: file.cid, dagBytes: file.dagBytes, sha256 } };
    }),
  });
  if (found.length === 0) {
    // Nothing is the empty file, so that a program that only reads does not move its first state.
    const cid = bytesBefore === 0 ? before : EMPTY_STATE;
    await (cid === EMPTY_STATE ? content.putFile(new Uint8Array(0), { signal }) : content.pin(cid, { signal }));
    return { cid, manifest: manifest(new Map()) };
  }
  const { cid, files } = await content.putDirectory(entries, { signal });
  return { cid, manifest: manifest(files) };
}

async function writeDirectory(
  content: ContentStore,
  cid: string,
  path: string,
  budget: { left: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(path);
  if (cid === EMPTY_STATE) return;
  let entries;
  try {
    entries = await content.listDirectory(cid, { signal });
  } catch (error) {
    if (!isSprfError(error, "CONTENT_CORRUPT")) throw error;
    throw new SprfError("STATE_REFUSED", `the program keeps a directory as state, ${cid} is none`, { cause: error });
  }
  for (const entry of entries) {
    budget.left -= STATE_ENTRY_BYTES;
    if (budget.left < 0) throw new SprfError("STATE_REFUSED", "the state is larger than its limit");
    if (entry.kind === "directory") await mkdir(join(path, entry.path));
    else await writeContent(content, entry.cid, join(path, entry.path), budget, signal);
  }
}

async function writeContent(
  content: ContentStore,
  cid: string,
  path: string,
  budget: { left: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, "wx");
  try {
    for await (const part of content.get(cid, { maxBytes: budget.left, signal })) {
      await file.writeFile(part);
      budget.left -= part.length;
    }
  } finally {
    await file.close();
  }
}

/** Reads a file and hashes what was read; the digest is known after that. */
function hashing(path: string): { read: () => AsyncIterable<Uint8Array>; digest: () => string } {
  const hash = createHash("sha256");
  let digest: string | undefined;
  return {
    async *read() {
      for await (const part of readParts(path)) {
        hash.update(part);
        yield part;
      }
    },
    digest: () => (digest ??= toHex(hash.digest())),
  };
}
