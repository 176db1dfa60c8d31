/** Which servers answer at an endpoint now, by name, with their share of the connections. */
import { Link } from "wouter";
import type { Endpoint, Migration } from "../api/schema";
import { leadsAcross, type Place, type Places } from "./places";

interface LeadsToProps {
  endpoint: Endpoint;
  migration: Migration | undefined;
  places: Places;
}

export function LeadsTo({ endpoint, migration, places }: LeadsToProps) {
  const times = new Map<string, number>();
  for (const address of endpoint.routes_to) times.set(address, (times.get(address) ?? 0) + 1);
  if (times.size === 0) return <span className="bad">nowhere: nobody gets in</span>;
  return (
    <>
      {[...times].map(([address, weight]) => (
        <div key={address} className="leads">
          <code>{address}</code> <Server place={places.get(address)} />
          {endpoint.routes_to.length > times.size && <span className="faint"> weight {weight}</span>}
        </div>
      ))}
      {leadsAcross(endpoint, migration, places) && <strong>exchanged</strong>}
    </>
  );
}

function Server({ place }: { place: Place | undefined }) {
  if (!place) return null;
  const kind = place.ownerId.startsWith("pc-") ? "clusters" : "instances";
  return <Link href={`/${kind}/${place.ownerId}`}>{place.title}</Link>;
}
