import type { Failure } from "../api/client";
import { to } from "../router";
import { openDialog } from "../ui/Dialog";
import { Empty, Skeleton } from "../ui/Empty";
import { Palette } from "../ui/Palette";

export function NotFound() {
  return (
    <>
      <h1 tabIndex={-1}>Page not found</h1>
      <Empty title="There is no such page.">
        <p>
          <button type="button" class="button" onClick={() => openDialog(<Palette />)}>
            Search…
          </button>{" "}
          <a href={to.overview()}>Overview</a>
        </p>
      </Empty>
    </>
  );
}

/** In place of a topic, channel or node nobody knows; with names like it. */
export function Missing({ error, what, link }: { error: Failure; what: string; link: (name: string) => string }) {
  if (error.unreachable) return <Skeleton />;
  if (error.status !== 404)
    return (
      <Empty title={`The ${what} could not be loaded.`}>
        <p>{error.message}</p>
      </Empty>
    );
  return (
    <Empty title={`Nobody knows the ${what}.`}>
      <p>It may have been deleted, or its nsqd has gone.</p>
      {error.nearest.length > 0 && (
        <p>
          Did you mean{" "}
          {error.nearest.map((name, i) => (
            <span key={name}>
              {i > 0 && ", "}
              <a href={link(name)}>{name}</a>
            </span>
          ))}
          ?
        </p>
      )}
      <p>
        <button type="button" class="button" onClick={() => openDialog(<Palette />)}>
          Search…
        </button>
      </p>
    </Empty>
  );
}
