import { blobStoreConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import { createOneFileBlobStore } from "../src/one-file-blob-store.js";
import { temporaryFile } from "./temporary-file.js";

let path: string;
const open = async () => createOneFileBlobStore((path = temporaryFile()));
blobStoreConformance({ describe, it }, { open, reopen: async () => createOneFileBlobStore(path) });
