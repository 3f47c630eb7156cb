import type { MemoryLocalTree } from "@twinfold/core";

export type TodoApp = ReturnType<typeof createTodoApp>;

/** An app that keeps each task as a file, and knows nothing of sync: what is tested is that this choice survives it. */
export function createTodoApp(folder: Pick<MemoryLocalTree, "write" | "rename" | "files">) {
  return {
    add(task: string): void {
      folder.write(`open/${task}`, "");
    },
    finish(task: string): void {
      folder.rename(`open/${task}`, `done/${task}`);
    },
    list(state: "open" | "done"): string[] {
      const prefix = `${state}/`;
      return [...folder.files().keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
    },
  };
}
