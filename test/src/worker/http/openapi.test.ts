import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { SprfError } from "../../../../src/errors.ts";
import { createWorkerApi } from "../../../../src/worker/http/api.ts";

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
  readonly responses: Readonly<Record<string, { description?: string; content?: Record<string, { schema?: object }> }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);

describe("the worker's OpenAPI document", () => {
  const never = (): Promise<never> => Promise.reject(new SprfError("INTERNAL", "not asked here"));
  const app = createWorkerApi({
    logger: createMemoryLogger(),
    execute: never,
    answersTo: never,
    clock: systemClock,
    content: { block: never, car: never },
    consent: never,
    tip: never,
    health: never,
    describe: () => ({ messageKey: "", ledgerKey: "", multiaddrs: [], engines: [] }),
  });
  let document: Document;

  before(async () => {
    const response = await app.request("/openapi.json");
    expect(response.status).to.equal(200);
    document = (await response.json()) as Document;
  });

  it("should be OpenAPI 3.1 with a title and a version", () => {
    expect(document.openapi).to.equal("3.1.0");
    expect(document.info.title).to.have.length.above(0);
    expect(document.info.version).to.have.length.above(0);
  });

  it("should list every route of the API, and no other", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = app.routes
      .filter(({ method, path }) => method !== "ALL" && path !== "/openapi.json")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
    expect(described.sort()).to.deep.equal([...new Set(served)].sort());
    expect(described).to.include("POST /v1/executions");
  });

  it("should describe every operation: what it is for, its parameters, and what comes back", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        expect(METHODS.has(method), where).to.equal(true);
        expect(operation.summary, where).to.be.a("string");
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const declared = (operation.parameters ?? []).filter((each) => each.in === "path");
        expect(declared.map(({ name }) => name)).to.deep.equal(named);
        for (const parameter of declared) expect(parameter.required, where).to.equal(true);
        expect(Object.keys(operation.responses), where).to.include("200");
        for (const [status, response] of Object.entries(operation.responses)) {
          expect(status, where).to.match(/^([1-5]\d\d|default)$/);
          expect(response.description, where).to.be.a("string");
          for (const media of Object.values(response.content ?? {})) expect(media.schema, where).to.be.an("object");
        }
      }
    }
  });

  it("should resolve every reference and use known types only", () => {
    let schemas = 0;
    const visit = (node: unknown): void => {
      if (Array.isArray(node)) for (const item of node) visit(item);
      if (typeof node !== "object" || node === null || Array.isArray(node)) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === "$ref") expect(resolve(String(value)), String(value)).to.be.an("object");
        if (key === "type" && (typeof value === "string" || Array.isArray(value))) {
          for (const type of [value].flat()) expect(TYPES.has(String(type)), String(type)).to.equal(true);
          schemas += 1;
        }
        visit(value);
      }
    };
    const resolve = (reference: string): unknown =>
      reference
        .replace(/^#\//, "")
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    visit(document);
    expect(schemas).to.be.above(30);
  });
});
