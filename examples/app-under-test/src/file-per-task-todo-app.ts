import { isConflictName } from "@twinfold/core";
import type { Folder, TodoApp } from "./todo-app.js";

/**
 * The mended version: a task is an empty file named after it, in the folder of its state.
 *
 * Two devices then change different files, and what they do to one task merges by itself: a name that both move is moved once.
 * A conflict copy of an empty file says nothing that the file does not, so it is not shown.
 */
export function createFilePerTaskTodoApp(folder: Folder): TodoApp {
  const pathOf = (state: "open" | "done", task: string): string => `${state}/${encodeURIComponent(task)}`;

  return {
    add: (task) => folder.write(pathOf("open", task), ""),
    finish(task) {
      if (folder.files().has(pathOf("open", task))) folder.rename(pathOf("open", task), pathOf("done", task));
    },
    tasks(state) {
      const names = [...folder.files().keys()].flatMap((path) => (path.startsWith(`${state}/`) ? [path.slice(state.length + 1)] : []));
      return names.filter((name) => !isConflictName(name)).map(decodeURIComponent);
    },
  };
}
