const paths = {
  alert: "M12 8.5v4.5M12 16.4v.1M12 3.5 2.8 19.5h18.4Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  clock: "M12 7.5V12l3 2M12 4.5a7.5 7.5 0 1 0 .01 0Z",
  close: "m6.5 6.5 11 11M17.5 6.5l-11 11",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  down: "M12 5.5v13M6 12.5l6 6 6-6",
  fold: "m8 10 4 4 4-4",
  join: "M5.5 5.5v5a4 4 0 0 0 4 4h9M14.5 10.5l4 4-4 4",
  lock: "M6.5 11h11v8.5h-11zM9 11V8a3 3 0 0 1 6 0v3",
  menu: "M4.5 8h15M4.5 16h15",
  more: "M6 12v.1M12 12v.1M18 12v.1",
  pencil: "m5 19 1-4L16 5l3 3L9 18ZM13.5 7.5l3 3",
  plus: "M12 5.5v13M5.5 12h13",
  redo: "M19 4.5V9h-4.5M18.6 9a7.2 7.2 0 1 0 .4 4.5",
  send: "M12 18.5v-13M6 11.5l6-6 6 6",
  stop: "M7.5 7.5h9v9h-9z",
  trash: "M5 7.5h14M10 7.5v-3h4v3M7 7.5l.8 12h8.4l.8-12M10.5 11v5M13.5 11v5",
  undo: "M9 5 4.5 9.5 9 14M5 9.5h9.5a5 5 0 0 1 0 10H11",
} as const;

/** Decorative: the control around it carries the name. */
export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
