import { blobStoreConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import { createOneFileBlobStore } from "../src/one-file-blob-store.js";
import { latestTemporaryFile, temporaryFile } from "./temporary-file.js";

const open = async () => createOneFileBlobStore(temporaryFile());
const reopen = async () => createOneFileBlobStore(latestTemporaryFile());
blobStoreConformance({ describe, it }, { open, reopen });
