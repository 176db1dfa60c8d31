/** A button that only those may press whose role allows what it asks for; others read why not. */
import Button, { type ButtonProps } from "antd/es/button";
import { Link } from "wouter";
import { useMissingRole, type Need } from "../api/roles";

/** `refused`: why the server would refuse it now; empty or left out when it would not. */
type RoleButtonProps = ButtonProps & { needs: Need; refused?: string | undefined };

export function RoleButton({ needs, refused, ...props }: RoleButtonProps) {
  const missing = useMissingRole(needs);
  const reason = missing ? `This needs the role ${missing}.` : refused;
  if (!reason) return <Button {...props} />;
  return <Button {...props} disabled title={reason} />;
}

/** A page that begins something, as a button. */
export function RoleLink({ needs, href, children }: { needs: Need; href: string; children: string }) {
  const missing = useMissingRole(needs);
  if (missing) {
    return (
      <Button disabled title={`This needs the role ${missing}.`}>
        {children}
      </Button>
    );
  }
  return (
    <Link href={href} asChild>
      <Button type="primary" href={href}>
        {children}
      </Button>
    </Link>
  );
}
