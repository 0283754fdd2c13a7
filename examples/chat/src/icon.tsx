const paths = {
  alert: "M12 8.5v4.5M12 16.4v.1M12 3.5 2.8 19.5h18.4Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "m6.5 6.5 11 11M17.5 6.5l-11 11",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  down: "M12 5.5v13M6 12.5l6 6 6-6",
  menu: "M4.5 8h15M4.5 16h15",
  pencil: "m5 19 1-4L16 5l3 3L9 18ZM13.5 7.5l3 3",
  plus: "M12 5.5v13M5.5 12h13",
  redo: "M19 4.5V9h-4.5M18.6 9a7.2 7.2 0 1 0 .4 4.5",
  send: "M12 18.5v-13M6 11.5l6-6 6 6",
  stop: "M7.5 7.5h9v9h-9z",
  trash: "M5 7.5h14M10 7.5v-3h4v3M7 7.5l.8 12h8.4l.8-12M10.5 11v5M13.5 11v5",
} as const;

/** Decorative: the control around it carries the name. */
export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
