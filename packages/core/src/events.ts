import mitt from "mitt";

export type Unsubscribe = () => void;

export interface EventSource<Events extends Record<string, unknown>> {
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe;
}

/** Keeps `emit` private and stops one listener's throw from reaching the engine or its siblings. */
export function createEvents<Events extends Record<string, unknown>>(reportListenerError: (error: unknown) => void = () => {}) {
  const emitter = mitt<Events>();
  const report = (error: unknown): void => {
    try {
      reportListenerError(error);
    } catch {
      // There is nobody left to tell.
    }
  };
  const source: EventSource<Events> = {
    on(name, listener) {
      const guarded: typeof listener = (event) => {
        try {
          listener(event);
        } catch (error) {
          report(error);
        }
      };
      emitter.on(name, guarded);
      return () => emitter.off(name, guarded);
    },
  };
  const emit = <Name extends keyof Events>(name: Name, event: Events[Name]): void => emitter.emit(name, event);
  return { source, emit };
}
