/** The bar at the top: where one is, the theme, and who is signed in. */
import MenuOutlined from "@ant-design/icons/es/icons/MenuOutlined";
import MoonOutlined from "@ant-design/icons/es/icons/MoonOutlined";
import SunOutlined from "@ant-design/icons/es/icons/SunOutlined";
import Button from "antd/es/button";
import { Link } from "wouter";
import { api, ask } from "../api/client";
import { useSession } from "../api/roles";
import { sessionEnded } from "../api/session";
import { chooseScheme, useScheme } from "../theme";

interface HeaderProps {
  open: boolean;
  onMenu: () => void;
}

export function Header({ open, onMenu }: HeaderProps) {
  const scheme = useScheme();
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <header className="header">
      <Button
        className="menu-button"
        type="text"
        icon={<MenuOutlined />}
        aria-label="Navigation"
        aria-expanded={open}
        onClick={onMenu}
      />
      <Link href="/" className="brand">
        <img src="/tern.svg" alt="" width={26} height={26} />
        <span>Sterna</span>
        <small>One-click MySQL upgrade</small>
      </Link>
      <span className="grow" />
      <Button
        type="text"
        icon={scheme === "dark" ? <SunOutlined /> : <MoonOutlined />}
        aria-label={`Use the ${other} theme`}
        title={`Use the ${other} theme`}
        onClick={() => chooseScheme(other)}
      />
      <Viewer />
    </header>
  );
}

function Viewer() {
  const { data } = useSession();
  const leave = () => void ask(api.POST("/api/v1/logout")).finally(sessionEnded);
  return (
    <>
      <Link href="/account" className="viewer">
        {data?.name} <small>{data?.role}</small>
      </Link>
      <Button type="text" onClick={leave}>
        Sign out
      </Button>
    </>
  );
}
