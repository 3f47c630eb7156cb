import type { Folder, TodoApp } from "./todo-app.js";

interface Task {
  readonly task: string;
  readonly done: boolean;
}

const PATH = "todo.json";

/**
 * The first version: all tasks in one file, read before every change and written after it.
 *
 * On one device nothing is wrong with it. On two that were apart, both have changed the same file: one change of all becomes a
 * conflict copy that the app never opens, and the tasks in it are gone.
 */
export function createOneFileTodoApp(folder: Folder): TodoApp {
  function read(): Task[] {
    const entry = folder.files().get(PATH);
    return entry?.kind === "file" ? (JSON.parse(new TextDecoder().decode(entry.bytes)) as Task[]) : [];
  }
  const write = (tasks: readonly Task[]): void => folder.write(PATH, JSON.stringify(tasks));

  return {
    add: (task) => write([...read(), { task, done: false }]),
    finish: (task) => write(read().map((one) => (one.task === task ? { task, done: true } : one))),
    tasks: (state) => read().flatMap(({ task, done }) => (done === (state === "done") ? [task] : [])),
  };
}
