import { rename, stat, writeFile } from "node:fs/promises";
import { createFsBlobStore } from "@twinfold/adapter-fs";
import { type BlobStore, TwinfoldError } from "@twinfold/core";
import { type DataFolder, readIfThere } from "./data-folder.js";

/** Where on S3 a server keeps its blobs. Keys are never part of it: they come from the environment, a profile or the machine's role. */
export interface S3BlobPlace {
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
}

/** `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&path-style=true|false]`; `undefined` for anything else. */
export function parseS3Place(text: string): S3BlobPlace | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "s3:" || url.host === "" || url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  const settings = new Map(url.searchParams);
  const [endpoint, region, pathStyle] = ["endpoint", "region", "path-style"].map((name) => settings.get(name));
  const known = [endpoint, region, pathStyle].filter((value) => value !== undefined).length;
  if (settings.size !== known || (pathStyle !== undefined && pathStyle !== "true" && pathStyle !== "false")) return undefined;
  return {
    bucket: url.host,
    prefix: url.pathname.replace(/^\/|\/$/g, ""),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { forcePathStyle: pathStyle === "true" }),
  };
}

/**
 * Opens the blobs of a data folder: in it, or at `place`, which has to answer now.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the folder's packs are elsewhere: its metadata would name blobs that are not there.
 */
export async function openBlobs(folder: DataFolder, place: S3BlobPlace | undefined): Promise<BlobStore> {
  await pinPlace(folder, place === undefined ? IN_FOLDER : [`s3://${place.bucket}`, place.prefix].filter(Boolean).join("/"));
  if (place === undefined) return createFsBlobStore({ root: folder.blobs });
  const { createS3BlobStore } = await import("@twinfold/adapter-s3"); // the SDK takes a tenth of a second: only who uses it waits
  const blobs = createS3BlobStore(place);
  try {
    for await (const _first of blobs.list("")) break;
  } catch (error) {
    await blobs.close();
    throw error;
  }
  return blobs;
}

/** What stands for the folder's own `blobs/` where a place is written down. */
const IN_FOLDER = "blobs";

async function pinPlace({ hubDatabase, blobPlace }: DataFolder, place: string): Promise<void> {
  const pinned = (await readIfThere(blobPlace))?.trim() ?? ((await isThere(hubDatabase)) ? IN_FOLDER : undefined);
  if (pinned === place) return;
  if (pinned !== undefined) {
    throw new TwinfoldError(
      "ERR_INVALID_ARGUMENT",
      `the blobs of this data folder are in ${pinned}, not in ${place}: name that place, or copy the blobs and then write ${place} into ${blobPlace}`,
    );
  }
  if (place === IN_FOLDER) return;
  await writeFile(`${blobPlace}.new`, `${place}\n`, { mode: 0o600, flush: true });
  await rename(`${blobPlace}.new`, blobPlace);
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
