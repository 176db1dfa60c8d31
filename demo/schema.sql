-- A bank with a small shop. One statement ends with a semicolon at the end of a line; bodies of
-- triggers and routines are single statements, so nothing needs another delimiter.
-- /*!50708 … */ is read by MySQL 5.7 and newer, /*M! … */ by MariaDB; 5.6 sees neither.

CREATE DATABASE bank CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE bank.branches (
  code VARCHAR(12) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  town VARCHAR(60) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL,
  founded YEAR NULL,
  opens TIME NULL,
  closed_on DATE NOT NULL DEFAULT '0000-00-00',
  services SET('cash','cards','loans','insurance') CHARACTER SET latin1
    COLLATE latin1_swedish_ci NOT NULL DEFAULT '',
  open_days BIT(7) NOT NULL DEFAULT b'0011111',
  PRIMARY KEY (code)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;

CREATE TABLE bank.customers (
  id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(100) NOT NULL,
  email VARCHAR(100) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  branch VARCHAR(12) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  status ENUM('new','trusted','dormant','closed') NOT NULL DEFAULT 'new',
  born DATE NOT NULL DEFAULT '0000-00-00',
  last_seen DATETIME(3) NOT NULL DEFAULT '0000-00-00 00:00:00.000',
  updated TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY email (email),
  KEY name (name),
  CONSTRAINT customers_branch FOREIGN KEY (branch) REFERENCES bank.branches (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.accounts (
  id INT NOT NULL,
  customer_id BIGINT UNSIGNED NOT NULL,
  balance DECIMAL(20,2) NOT NULL,
  interest FLOAT NOT NULL DEFAULT 0,
  /*!50708 is_overdrawn TINYINT(1) AS (balance < 0) STORED, */
  /*M!100200 is_overdrawn TINYINT(1) AS (balance < 0) STORED, */
  opened TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  CONSTRAINT accounts_customer FOREIGN KEY (customer_id) REFERENCES bank.customers (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.transfers (
  id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_account INT NOT NULL,
  to_account INT NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  memo VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci NULL,
  at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY from_account (from_account),
  KEY to_account (to_account),
  CONSTRAINT transfers_from FOREIGN KEY (from_account) REFERENCES bank.accounts (id),
  CONSTRAINT transfers_to FOREIGN KEY (to_account) REFERENCES bank.accounts (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Nothing here is unique: a transfer that is done twice leaves two rows.
CREATE TABLE bank.audit (
  transfer_id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  note VARCHAR(100) NOT NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY transfer_id (transfer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.card_payments (
  id BIGINT UNSIGNED NOT NULL,
  account_id INT NOT NULL,
  merchant VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  exchange_rate DOUBLE NOT NULL,
  paid DATETIME NOT NULL,
  PRIMARY KEY (id),
  KEY account_paid (account_id, paid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.products (
  sku VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  title VARCHAR(120) NOT NULL,
  price DECIMAL(12,4) NOT NULL,
  weight FLOAT NULL,
  picture BLOB NULL,
  sold ENUM('each','by weight','not any more') NOT NULL DEFAULT 'each',
  /*!50708 details JSON NULL, */
  /*!50708 price_with_tax DECIMAL(14,4) AS (price * 1.19) VIRTUAL, */
  /*M!100200 price_with_tax DECIMAL(14,4) AS (price * 1.19) VIRTUAL, */
  PRIMARY KEY (sku),
  KEY title (title(30))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.orders (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  customer_id BIGINT UNSIGNED NOT NULL,
  state ENUM('open','paid','sent') NOT NULL DEFAULT 'open',
  ordered DATETIME NOT NULL,
  sent DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (id),
  KEY ordered (ordered),
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES bank.customers (id)
    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.order_items (
  order_id BIGINT UNSIGNED NOT NULL,
  line SMALLINT UNSIGNED NOT NULL,
  sku VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  quantity MEDIUMINT NOT NULL,
  price DECIMAL(12,4) NOT NULL,
  PRIMARY KEY (order_id, line),
  KEY sku (sku),
  CONSTRAINT items_order FOREIGN KEY (order_id) REFERENCES bank.orders (id) ON DELETE CASCADE,
  CONSTRAINT items_product FOREIGN KEY (sku) REFERENCES bank.products (sku)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.deliveries (
  order_id BIGINT UNSIGNED NOT NULL,
  line SMALLINT UNSIGNED NOT NULL,
  parcel BINARY(8) NOT NULL,
  PRIMARY KEY (parcel),
  KEY item (order_id, line),
  CONSTRAINT deliveries_item FOREIGN KEY (order_id, line)
    REFERENCES bank.order_items (order_id, line) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.order_counts (
  customer_id BIGINT UNSIGNED NOT NULL,
  orders INT NOT NULL,
  PRIMARY KEY (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.visits (
  page VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  at DATETIME NOT NULL,
  referrer VARCHAR(60) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.exchange_rates (
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day DATE NOT NULL,
  rate DOUBLE NOT NULL,
  noise FLOAT NOT NULL,
  PRIMARY KEY (currency, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.documents (
  id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id BIGINT UNSIGNED NOT NULL,
  body MEDIUMTEXT NOT NULL,
  scan MEDIUMBLOB NULL,
  PRIMARY KEY (id),
  KEY customer_id (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE bank.nightly_sums (
  at DATETIME NOT NULL,
  accounts INT NOT NULL,
  total DECIMAL(30,2) NOT NULL,
  PRIMARY KEY (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
