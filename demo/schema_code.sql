-- Made after the rows, so that the trigger does not slow them down.

CREATE TRIGGER bank.orders_counted AFTER INSERT ON bank.orders FOR EACH ROW
  INSERT INTO bank.order_counts VALUES (NEW.customer_id, 1)
  ON DUPLICATE KEY UPDATE orders = orders + 1;

CREATE TRIGGER bank.orders_discounted AFTER DELETE ON bank.orders FOR EACH ROW
  UPDATE bank.order_counts SET orders = orders - 1 WHERE customer_id = OLD.customer_id;

CREATE VIEW bank.customer_balances AS
  SELECT c.id, c.name, c.status, COUNT(a.id) AS accounts, SUM(a.balance) AS balance
  FROM bank.customers c JOIN bank.accounts a ON a.customer_id = c.id
  GROUP BY c.id, c.name, c.status;

CREATE VIEW bank.rich_customers AS
  SELECT name, balance FROM bank.customer_balances WHERE balance > 1000;

CREATE FUNCTION bank.account_balance (account INT) RETURNS DECIMAL(20,2) READS SQL DATA
  RETURN (SELECT balance FROM bank.accounts WHERE id = account);

CREATE PROCEDURE bank.send_order (IN order_number BIGINT UNSIGNED) MODIFIES SQL DATA
  UPDATE bank.orders SET state = 'sent', sent = UTC_TIMESTAMP() WHERE id = order_number;

CREATE EVENT bank.nightly ON SCHEDULE EVERY 1 DAY STARTS '2038-01-01 03:00:00'
  ON COMPLETION PRESERVE COMMENT 'writes one row a night, on one side only'
  DO INSERT INTO bank.nightly_sums
    SELECT UTC_TIMESTAMP(), COUNT(*), SUM(balance) FROM bank.accounts;
