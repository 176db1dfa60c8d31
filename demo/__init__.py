"""A bank that never stops paying, and a judge that counts its money; independent of Sterna."""
