//! Words in several scripts.

/// Starts of order ids.
pub(super) const ORDERS: &[&str] = &["o", "ord", "заказ", "注文", "طلب", "παραγγελία", "주문", "bestellung"];

/// Customers.
pub(super) const CUSTOMERS: &[&str] = &[
    "Ana Souza",
    "Ștefan Țepeș",
    "Μαρία Παπαδοπούλου",
    "Владимир Ильин",
    "佐藤 花子",
    "王小明",
    "김민준",
    "محمد العلي",
    "דוד כהן",
    "प्रिया शर्मा",
    "Nguyễn Văn An",
    "Zoë Müller",
    "Łukasz Żak",
    "ประเสริฐ",
    "O'Brien \\\"Bo\\\"",
    "🍵 Tea Club",
];

/// Articles.
pub(super) const ARTICLES: &[&str] = &[
    "TEA-SENCHA-100",
    "TEA-ASSAM-250",
    "POT-イワチュー",
    "CUP-青花",
    "HONEY-мёд",
    "LEMON-ليمون",
    "COOKIE-μπισκότο",
    "MILK-נחלב",
    "GINGER-अदरक",
    "MUG-Größe-L",
    "FILTER-№4",
    "SPOON-🥄",
];

/// Notes, a field that nobody reads.
pub(super) const NOTES: &[&str] = &[
    "leave it at the door",
    "bitte klingeln",
    "позвоните заранее",
    "請放門口",
    "الرجاء الاتصال",
    "ευχαριστώ",
    "tab\\there, line\\nbreak, \\u00fcmlaut, \\ud83c\\udf75",
    "[{\\\"not\\\": \\\"parsed\\\"}]",
];

/// Currencies; prices in some have no decimals.
pub(super) const CURRENCIES: &[&str] = &["EUR", "USD", "JPY", "CNY", "KRW", "INR", "BRL", "PLN", "SAR", "ILS"];

/// Means of payment.
pub(super) const METHODS: &[&str] = &["card", "card", "card", "wallet", "transfer"];

/// Types of orders, some of them unknown.
pub(super) const TYPES: &[&str] = &["retail", "retail", "wholesale", "subscription", "gift", "barter", "Подарок"];

/// Regions, some of them unknown.
pub(super) const REGIONS: &[&str] = &["europe", "asia", "americas", "africa", "oceania", "atlantis", "EUROPE"];
