import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { TwinfoldError } from "@twinfold/core";
import { errnoOf, localFailure } from "./local-failure.js";

/** Format of every JSON file in a state folder. */
const FORMAT = 1;

/** The fields of a JSON file of ours, not yet checked. `undefined` when there is no such file. */
export async function readJsonFile(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  const value = parseObject(text);
  if (value === undefined) throw damaged(path);
  if (typeof value.format === "number" && value.format > FORMAT) {
    throw new TwinfoldError("ERR_NEWER_FORMAT", `${path} was written by a newer twinfold (format ${value.format}): update this one`);
  }
  return value;
}

export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw localFailure(`read ${path}`, cause);
  }
}

/** Replaces the file atomically and durably: after a crash it is the old one or the new one. */
export async function writeJsonFile(path: string, fields: object, mode = 0o600): Promise<void> {
  await writeTextFile(path, `${JSON.stringify({ format: FORMAT, ...fields }, undefined, 2)}\n`, mode);
}

export async function writeTextFile(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeDurably(temporary, text, mode);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw localFailure(`write ${path}`, cause);
  }
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The object that `text` is as JSON; `undefined` when it is not one. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function damaged(path: string): TwinfoldError {
  return new TwinfoldError("ERR_LOCAL_FAILED", `${path} is damaged: restore it from a backup, or remove it and set the device up again`);
}
